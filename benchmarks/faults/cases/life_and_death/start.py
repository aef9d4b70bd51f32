"""Signals while the program starts: a user who quits at once."""

from __future__ import annotations

import re
import shutil
import signal
import statistics
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.baselines import native
from benchmarks.faults.case import case
from benchmarks.faults.conditions import NO_CORE, Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.session import Session, end_all
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    degraded,
    failed,
    passed,
    remains,
    sweep,
    until_lost,
)
from spike.core import process

MOMENTS = 20
"""Points of the start at which a signal comes, spread evenly from the spawn to READY itself."""

ONE_SIGNAL_S = 8.0
"""Time for the first signal to work; Nuitka's onefile parent gives its child 5 s."""

RARE_MOMENTS = 2
"""So many lost signals among the moments are chance, not a property of the variant."""

FORKS = 5
"""Launches whose fork is held up, at most; the first that does not pass decides."""

UNPACKINGS = 5
"""Launches that are stopped while they unpack, at most; the first that does not pass decides."""

FALSE_CAUSE = r"for writing|no space|permission|(cannot|could not|failed to) (open|write|extract)"
"""A message that blames the disk or its rights, where all that happened was a stop."""

SLOW_FORK = Path(__file__).with_name("slow_fork.c")


def _during_start(sandbox: Sandbox, number: int, *, group: bool = False) -> CaseResult:
    """Send a signal at moments of the start that are spread from the spawn to READY.

    Args:
        sandbox: Where.
        number: The signal.
        group: Whether it goes to every process of the program, as from a terminal.
    """
    times = []
    for _ in range(3):
        with sandbox.session() as session:
            session.until_ready()
            times.append(session.running.now_ms() / 1000)
            session.stop()
    span_s = statistics.median(times)
    sessions: list[Session] = []
    again: set[int] = set()
    try:
        for number_of_moment in range(MOMENTS):
            session = sandbox.session(Conditions(wrap=NO_CORE))
            session.__enter__()
            sessions.append(session)
            if number_of_moment == MOMENTS - 1:
                # The end of the start is not left to chance: whatever runs at READY, runs now.
                session.until_ready()
            else:
                moment_s = span_s * number_of_moment / MOMENTS
                session.read(max(0.0, moment_s - session.running.now_ms() / 1000))
            if _needs_two(session, number, group=group):
                again.add(len(sessions) - 1)
        observation = end_all(sessions)
    finally:
        for session in sessions:
            session.__exit__(None, None, None)
    protocol = sandbox.hello.protocol
    judged = [_judge_early_end(one, protocol=protocol) for one in observation]
    return sweep(_with_lost_signals(judged, again), of="moments")


def _needs_two(session: Session, number: int, *, group: bool = False) -> bool:
    """Send a signal, and once more when nothing comes of it; whether the first was lost."""
    session.send(number, group=group)
    if session.running.wait_exit(ONE_SIGNAL_S):
        return False
    session.send(number, group=group)
    session.until_exit()
    return True


def _with_lost_signals(
    judged: list[tuple[str, CaseResult]], again: set[int]
) -> list[tuple[str, CaseResult]]:
    """Mark the moments at which one signal was not enough, where nothing worse happened.

    CPython itself loses a SIGINT that meets one of its callbacks: a window so narrow that it is
    met by chance. Chance must not change a verdict, so a few are counted and not judged.
    """
    status = Status.DEGRADED if len(again) > RARE_MOMENTS else Status.PASS
    return [
        _first_was_lost(one, status) if index in again else one for index, one in enumerate(judged)
    ]


def _first_was_lost(judged: tuple[str, CaseResult], status: Status) -> tuple[str, CaseResult]:
    _, item = judged
    if item.status is not Status.PASS:
        return judged
    detail = "the first signal was lost, the second stops it"
    return "needed a second signal", replace(item, status=status, detail=detail)


def _judge_early_end(observation: Observation, *, protocol: bool) -> tuple[str, CaseResult]:
    """Judge a program that was stopped while it started.

    Args:
        observation: The session.
        protocol: Whether the program says SHUTDOWN when it stops as asked. Another that ends with 0
            may have done so: it may handle the signal before it is ready.
    """
    if observation.hung:
        return "hung", failed(f"hung: no {observation.hung} in time", observation)
    left = remains(observation)
    if left is not None:
        return ("left processes" if observation.processes_left else "left files"), left
    if observation.exit_code == 0 and not protocol:
        return "ended with 0", passed("exited with 0, nothing left", observation)
    if observation.exit_code == 0 and not observation.shutdown:
        return "exited with 0 unready", failed(
            "exited with 0 although it never was ready", observation
        )
    if observation.shutdown:
        return "stopped as asked", passed("stopped as asked", observation)
    return "ended", passed(f"{observation.ending}, nothing left", observation)


@case(
    "SIGTERM at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
    needs=(Need.SIGNALS,),
)
def sigterm_during_start(sandbox: Sandbox) -> CaseResult:
    """A user who quits at once."""
    return _during_start(sandbox, signal.SIGTERM)


@case(
    "SIGINT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
    needs=(Need.SIGNALS,),
)
def sigint_during_start(sandbox: Sandbox) -> CaseResult:
    """Ctrl-C at once."""
    return _during_start(sandbox, signal.SIGINT)


@case(
    "SIGINT to its whole process group at 20 moments of the start: it ends, never with a false 0, "
    "and leaves nothing.",
    alone=True,
    needs=(Need.SIGNALS,),
)
def ctrl_c_during_start(sandbox: Sandbox) -> CaseResult:
    """Ctrl-C at once, on a terminal: helper processes get it too, while they start."""
    return _during_start(sandbox, signal.SIGINT, group=True)


@case(
    "SIGHUP at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
    needs=(Need.SIGNALS,),
)
def sighup_during_start(sandbox: Sandbox) -> CaseResult:
    """A terminal closed at once."""
    return _during_start(sandbox, signal.SIGHUP)


@case(
    "SIGQUIT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
    needs=(Need.SIGNALS,),
)
def sigquit_during_start(sandbox: Sandbox) -> CaseResult:
    """A signal that nothing but a launcher handles."""
    return _during_start(sandbox, signal.SIGQUIT)


@case(
    "SIGKILL at 20 moments of the start: no process is left; files may be (degraded).", alone=True
)
def sigkill_during_start(sandbox: Sandbox) -> CaseResult:
    """A host that gives up on a slow start."""
    return _during_start(sandbox, process.KILL)


def _stopped_while_unpacking(sandbox: Sandbox) -> tuple[str, CaseResult]:
    """SIGTERM as soon as the first unpacked file is there; at READY where nothing is unpacked."""
    with sandbox.session() as session:
        deadline = time.monotonic() + session.conditions.ready_timeout_s
        while not (unpacked := session.unpacked()) and not session.running.look_ready():
            if session.running.exited:
                break
            if time.monotonic() > deadline:
                session.hung = "READY"
                break
            session.read(0)
        lost = _needs_two(session, signal.SIGTERM)
        observation = session.end()
    judged = _judge_early_end(observation, protocol=sandbox.hello.protocol)
    label, result = _first_was_lost(judged, Status.DEGRADED) if lost else judged
    if result.status is Status.PASS and re.search(FALSE_CAUSE, "\n".join(observation.stderr)):
        text = f"{observation.ending}, and the stop reads as another error: "
        label, result = "misled", degraded(text + observation.last_words, observation)
    return f"{label} {'while it unpacks' if unpacked else 'at READY'}", result


@case(
    "SIGTERM while it unpacks, 5 times over: it ends, gives no false reason, and leaves nothing.",
    needs=(Need.SIGNALS,),
    alone=True,
)
def sigterm_while_unpacking(sandbox: Sandbox) -> CaseResult:
    """A host that is closed right after its start; what unpacks nothing gets it at READY."""
    return sweep(until_lost(UNPACKINGS, lambda: [_stopped_while_unpacking(sandbox)]), of="launches")


def _after_fork(sandbox: Sandbox, number: int) -> CaseResult:
    """Send a signal to a program that has just started its own, before it knows of it.

    The sweeps meet this moment once in some thousand launches. Here a preloaded library holds it
    for a second. How far the child has come by then is a race, so it is tried until it is lost.

    Raises:
        NotRun: The library does not reach the program that starts another.
    """
    library = native.build(SLOW_FORK, "-shared", "-fPIC")
    return sweep(
        until_lost(FORKS, lambda: [_with_a_slow_fork(sandbox, library, number)]), of="launches"
    )


def _with_a_slow_fork(sandbox: Sandbox, library: Path, number: int) -> tuple[str, CaseResult]:
    # The loader splits LD_PRELOAD at spaces, which the path of this repository may have.
    folder = sandbox.public_folder()
    says = folder / "forked"
    conditions = Conditions(
        wrap=NO_CORE,
        env={
            "LD_PRELOAD": str(shutil.copy2(library, folder)),
            "SLOW_FORK_SAYS": str(says),
            "SLOW_FORK_ONLY_WITH": sandbox.hello.own_variable,
        },
    )
    with sandbox.session(conditions) as session:
        deadline = time.monotonic() + conditions.ready_timeout_s
        while not says.exists() and not session.running.look_ready() and not session.running.exited:
            if time.monotonic() > deadline:
                session.hung = "READY"
                break
            session.read(0.005)
        forked = says.exists()
        if not forked and len(session.processes()) > 1:
            raise NotRun("it starts its program by other means than fork, or is linked statically")
        lost = _needs_two(session, number)
        judged = _judge_early_end(session.end(), protocol=sandbox.hello.protocol)
    label, result = _first_was_lost(judged, Status.DEGRADED) if lost else judged
    moment = "after its fork" if forked else "at READY, as it starts no second process"
    return f"{label} {moment}", result


@case(
    "SIGTERM just after it has started its own program, 5 times over: it ends, and leaves nothing.",
    needs=(Need.LINUX, Need.COMPILER),
)
def sigterm_after_fork(sandbox: Sandbox) -> CaseResult:
    """A launcher that cannot pass the signal on yet."""
    return _after_fork(sandbox, signal.SIGTERM)


@case(
    "SIGKILL just after it has started its own program, 5 times over: no process is left; files "
    "may be (degraded).",
    needs=(Need.LINUX, Need.COMPILER),
)
def sigkill_after_fork(sandbox: Sandbox) -> CaseResult:
    """The program may wait for a word from its launcher that will not come."""
    return _after_fork(sandbox, process.KILL)
