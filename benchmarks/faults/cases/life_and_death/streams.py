"""Ends of its pipes, and of the host that holds them."""

from __future__ import annotations

import signal
import time

from benchmarks.faults.case import case
from benchmarks.faults.conditions import Conditions, shell
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.session import Session
from benchmarks.faults.verdict import (
    CaseResult,
    degraded,
    failed,
    stops,
)

PIPE_BYTES = 65536
"""Capacity of a pipe on Linux, see pipe(7)."""


@case(
    "End of file on stdin: it stops by itself with exit code 0 (the program watches stdin).",
    needs=(Need.STDIN,),
)
def stdin_end_of_file(sandbox: Sandbox) -> CaseResult:
    """How a sidecar notices that its host is gone."""
    with sandbox.session() as session:
        session.until_ready()
        session.running.close_stdin()
        session.until_exit()
        observation = session.end()
    verdict = stops(observation)
    said = observation.shutdown == "reason=normal" or not sandbox.hello.protocol
    if verdict.status.value == "pass" and not said:
        return degraded(f"it stopped, but says {observation.shutdown!r}", observation)
    return verdict


@case(
    "Standard input closed from the start (no descriptor 0): it starts and stops.",
    needs=(Need.SHELL,),
)
def stdin_closed(sandbox: Sandbox) -> CaseResult:
    """Some service managers and GUI hosts start programs so."""
    return stops(sandbox.run(Conditions(wrap=shell("exec <&-"), env={"SIDECAR_EXIT_ON_EOF": "0"})))


@case("Standard input from /dev/null: it starts, waits and stops on SIGTERM.", needs=(Need.SHELL,))
def stdin_is_null(sandbox: Sandbox) -> CaseResult:
    """How most hosts start what they do not talk to."""
    return stops(
        sandbox.run(Conditions(wrap=shell("exec </dev/null"), env={"SIDECAR_EXIT_ON_EOF": "0"}))
    )


@case(
    "The reader of stdout goes away: at its next line it ends, and leaves nothing.",
    needs=(Need.PROTOCOL,),
)
def stdout_closed_by_reader(sandbox: Sandbox) -> CaseResult:
    """A host whose reader thread has died."""
    with sandbox.session(Conditions(args=("--heartbeat", "0.05"))) as session:
        session.until_ready()
        session.running.close_output("stdout")
        session.until_exit()
        return stops(session.end(), code=None)


@case(
    "Nobody reads stdout until more than 64 KiB are due: it waits, and ends when the host goes.",
    needs=(Need.PROTOCOL, Need.UNREAD),
)
def stdout_nobody_reads(sandbox: Sandbox) -> CaseResult:
    """The pipe is full and the write blocks; closing it must not leave a process behind."""
    with sandbox.session(Conditions(args=("--heartbeat", "0.0001"))) as session:
        session.until_ready()
        # Nothing is read from here on: the heartbeat fills the pipe and blocks.
        full = _wait_until_full(session)
        session.send(signal.SIGTERM)
        session.running.close_output("stdout")
        session.until_exit()
        observation = session.end()
    if not full and not observation.hung:
        return failed("the heartbeat stopped before the pipe was full", observation)
    return stops(observation, code=None)


def _wait_until_full(session: Session) -> bool:
    """Wait until the unread bytes in the stdout pipe are as many as it holds, and stay so."""
    deadline = time.monotonic() + 30.0
    last = -1
    while time.monotonic() < deadline:
        waiting = session.running.unread_bytes("stdout")
        if waiting == last and waiting > PIPE_BYTES - 4096:
            return True
        last = waiting
        time.sleep(0.1)
    return False


@case(
    "The host dies without a word (all pipes close at once): nothing is left after 10 s.",
    needs=(Need.STDIN,),
)
def host_vanishes(sandbox: Sandbox) -> CaseResult:
    """What a crash of the host looks like to its sidecar, which watches stdin."""
    with sandbox.session() as session:
        session.until_ready()
        session.running.close_stdin()
        session.running.close_output("stdout")
        session.running.close_output("stderr")
        session.until_exit()
        return stops(session.end(), code=None)
