"""Signals to the process that the host holds, once the program is at rest."""

from __future__ import annotations

import signal
from dataclasses import replace

from benchmarks.faults.case import case
from benchmarks.faults.conditions import NO_CORE, Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import (
    CaseResult,
    Observation,
    degraded,
    failed,
    passed,
    remains,
    stops,
    worst,
)
from spike.core import process

NOTICED_S = 5.0
"""Nuitka's onefile child looks for its parent each second; one that takes longer is told apart."""


def _clean_stop(sandbox: Sandbox, number: int) -> CaseResult:
    return stops(sandbox.run(stop=number))


@case("SIGTERM at rest: it stops with exit code 0 and leaves nothing.", needs=(Need.SIGNALS,))
def sigterm_at_rest(sandbox: Sandbox) -> CaseResult:
    """The usual stop."""
    return _clean_stop(sandbox, signal.SIGTERM)


@case("SIGINT at rest: it stops with exit code 0 and leaves nothing.", needs=(Need.SIGNALS,))
def sigint_at_rest(sandbox: Sandbox) -> CaseResult:
    """As from a terminal, but to the one process only."""
    return _clean_stop(sandbox, signal.SIGINT)


@case("SIGHUP at rest: it stops with exit code 0 and leaves nothing.", needs=(Need.SIGNALS,))
def sighup_at_rest(sandbox: Sandbox) -> CaseResult:
    """The terminal is closed."""
    return _clean_stop(sandbox, signal.SIGHUP)


@case(
    "SIGQUIT at rest, for which the program has no handler: it ends and leaves nothing.",
    needs=(Need.SIGNALS,),
)
def sigquit_at_rest(sandbox: Sandbox) -> CaseResult:
    """The default action is to die, with a core file where those are on."""
    return stops(sandbox.run(Conditions(wrap=NO_CORE), stop=signal.SIGQUIT), code=None)


@case(
    "SIGTERM, SIGINT and SIGHUP reach the program under their own names.",
    needs=(Need.SIGNALS, Need.PROTOCOL),
)
def signal_name_reaches_program(sandbox: Sandbox) -> CaseResult:
    """The program may have to tell a stop from an interrupt."""
    told = {}
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        observation = sandbox.run(stop=signal.Signals[name])
        if observation.shutdown == f"reason=signal signal={name}":
            told[name] = passed("reaches the program", observation)
        elif observation.shutdown:
            told[name] = degraded(
                f"reaches the program as {observation.shutdown.split('=')[-1]}", observation
            )
        else:
            told[name] = degraded(f"does not reach the program ({observation.ending})", observation)
    return worst(told, pass_detail="all three reach the program under their own names")


@case("SIGKILL at rest: no process is left after 10 s; files may be (degraded).")
def sigkill_at_rest(sandbox: Sandbox) -> CaseResult:
    """The host lives on and keeps the pipes open, so end of file does not save it."""
    with sandbox.session() as session:
        session.until_ready()
        session.stop(process.KILL)
        observation = session.end()
    return _after_kill(observation)


@case(
    "SIGKILL at rest, and the end of stdin, as when the host is killed with it: no process is "
    "left; files may be (degraded)."
)
def sigkill_and_end_of_file(sandbox: Sandbox) -> CaseResult:
    """The out-of-memory killer takes a whole service; what watches its stdin ends by itself."""
    with sandbox.session() as session:
        session.until_ready()
        session.stop(process.KILL)
        session.running.close_stdin()
        observation = session.end()
    return _after_kill(observation)


def _after_kill(observation: Observation) -> CaseResult:
    left = remains(observation)
    if observation.orphan_ms is None:
        return left or passed("READY before it, and nothing outlived it", observation)
    outlived = f"its last process ended {observation.orphan_ms / 1000:.1f} s later"
    if observation.orphan_ms > NOTICED_S * 1000:
        outlived += f", more than {NOTICED_S:g} s"
    detail = f"{left.detail}; {outlived}" if left else outlived
    result = replace(left or passed("", observation), detail=detail)
    return replace(result, facts={**result.facts, "orphan_ms": observation.orphan_ms})


@case(
    "SIGSTOP suspends the program, SIGCONT wakes it, and it still stops cleanly.",
    needs=(Need.SIGNALS, Need.PROTOCOL),
)
def sigstop_and_sigcont(sandbox: Sandbox) -> CaseResult:
    """A host that freezes its sidecar, or a user's job control."""
    with sandbox.session(Conditions(args=("--heartbeat", "0.05"))) as session:
        session.until_ready()
        session.running.pump(lambda: bool(session.heard("HEARTBEAT ")), 5.0)
        session.send(signal.SIGSTOP)
        session.read(0.3)  # what was under way may still come
        before = session.heard("HEARTBEAT ")
        session.read(1.0)
        suspended = session.heard("HEARTBEAT ") == before
        session.send(signal.SIGCONT)
        now = session.heard("HEARTBEAT ")
        woke = session.running.pump(lambda: session.heard("HEARTBEAT ") != now, 5.0)
        session.stop()
        observation = session.end()
    verdict = stops(observation)
    if verdict.status.value != "pass":
        return verdict
    if not woke:
        return failed("no heartbeat after SIGCONT", observation)
    if not suspended:
        return degraded(
            "the heartbeat goes on: only the launcher process is suspended", observation
        )
    return passed("suspended, awake again, clean stop", observation)


@case("SIGTERM while it is suspended: after SIGCONT it stops cleanly.", needs=(Need.SIGNALS,))
def sigterm_while_suspended(sandbox: Sandbox) -> CaseResult:
    """The signal waits until the program runs again."""
    with sandbox.session() as session:
        session.until_ready()
        session.send(signal.SIGSTOP)
        session.send(signal.SIGTERM)
        session.read(0.2)
        session.send(signal.SIGCONT)
        session.until_exit()
        return stops(session.end())


@case("SIGTERM twice: one clean stop.", needs=(Need.SIGNALS,))
def sigterm_twice(sandbox: Sandbox) -> CaseResult:
    """An impatient host."""
    with sandbox.session() as session:
        session.until_ready()
        session.send(signal.SIGTERM)
        session.send(signal.SIGTERM)
        session.until_exit()
        observation = session.end()
    return _stopped_once(observation, protocol=sandbox.hello.protocol)


def _stopped_once(observation: Observation, *, protocol: bool) -> CaseResult:
    """The second of two signals may hit the interpreter on its way out, after SHUTDOWN.

    Whether it does is chance; ended by it is a stop as well, so it must not change the verdict.

    Args:
        observation: The session.
        protocol: Whether the program says SHUTDOWN; of another, any end may be that stop.
    """
    if not protocol:
        return stops(observation, code=None)
    if (
        observation.ready
        and observation.shutdown
        and not observation.hung
        and remains(observation) is None
    ):
        return passed(f"said SHUTDOWN once, {observation.ending}, nothing left", observation)
    return stops(observation)


@case("SIGINT to its whole process group, as Ctrl-C does: one clean stop.", needs=(Need.SIGNALS,))
def sigint_to_group(sandbox: Sandbox) -> CaseResult:
    """On a terminal every process of the program gets the signal."""
    with sandbox.session() as session:
        session.until_ready()
        session.send(signal.SIGINT, group=True)
        session.until_exit()
        return _stopped_once(session.end(), protocol=sandbox.hello.protocol)
