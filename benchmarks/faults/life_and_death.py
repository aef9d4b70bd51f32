"""Life and death: signals to the process that the host holds, and ends of its pipes."""

from __future__ import annotations

import shutil
import signal
import statistics
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.baselines import native
from benchmarks.faults.case import case
from benchmarks.faults.needs import Need
from benchmarks.faults.sandbox import Conditions, Sandbox, Session, end_all, shell
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    degraded,
    failed,
    passed,
    remains,
    stops,
    sweep,
    until_lost,
    worst,
)

MOMENTS = 20
"""Points of the start at which a signal comes, spread evenly from the spawn to READY itself."""

ONE_SIGNAL_S = 8.0
"""Time for the first signal to work; Nuitka's onefile parent gives its child 5 s."""

RARE_MOMENTS = 2
"""So many lost signals among the moments are chance, not a property of the variant."""

FORKS = 5
"""Launches whose fork is held up, at most; the first that does not pass decides."""

SLOW_FORK = Path(__file__).with_name("slow_fork.c")

PIPE_BYTES = 65536
"""Capacity of a pipe on Linux, see pipe(7)."""


def _clean_stop(sandbox: Sandbox, number: int) -> CaseResult:
    return stops(sandbox.run(stop=number))


@case("SIGTERM at rest: it stops with exit code 0 and leaves nothing.")
def sigterm_at_rest(sandbox: Sandbox) -> CaseResult:
    """The usual stop."""
    return _clean_stop(sandbox, signal.SIGTERM)


@case("SIGINT at rest: it stops with exit code 0 and leaves nothing.")
def sigint_at_rest(sandbox: Sandbox) -> CaseResult:
    """As from a terminal, but to the one process only."""
    return _clean_stop(sandbox, signal.SIGINT)


@case("SIGHUP at rest: it stops with exit code 0 and leaves nothing.")
def sighup_at_rest(sandbox: Sandbox) -> CaseResult:
    """The terminal is closed."""
    return _clean_stop(sandbox, signal.SIGHUP)


@case("SIGQUIT at rest, for which the program has no handler: it ends and leaves nothing.")
def sigquit_at_rest(sandbox: Sandbox) -> CaseResult:
    """The default action is to die, with a core file where those are on."""
    return stops(sandbox.run(Conditions(wrap=shell("ulimit -c 0")), stop=signal.SIGQUIT), code=None)


@case("SIGTERM, SIGINT and SIGHUP reach the program under their own names.")
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
            session = sandbox.session(Conditions(wrap=shell("ulimit -c 0")))
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
    judged = [_judge_early_end(one) for one in observation]
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


def _judge_early_end(observation: Observation) -> tuple[str, CaseResult]:
    if observation.hung:
        return "hung", failed(f"hung: no {observation.hung} in time", observation)
    left = remains(observation)
    if left is not None:
        return ("left processes" if observation.processes_left else "left files"), left
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
)
def sigterm_during_start(sandbox: Sandbox) -> CaseResult:
    """A user who quits at once."""
    return _during_start(sandbox, signal.SIGTERM)


@case(
    "SIGINT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sigint_during_start(sandbox: Sandbox) -> CaseResult:
    """Ctrl-C at once."""
    return _during_start(sandbox, signal.SIGINT)


@case(
    "SIGINT to its whole process group at 20 moments of the start: it ends, never with a false 0, "
    "and leaves nothing.",
    alone=True,
)
def ctrl_c_during_start(sandbox: Sandbox) -> CaseResult:
    """Ctrl-C at once, on a terminal: helper processes get it too, while they start."""
    return _during_start(sandbox, signal.SIGINT, group=True)


@case(
    "SIGHUP at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sighup_during_start(sandbox: Sandbox) -> CaseResult:
    """A terminal closed at once."""
    return _during_start(sandbox, signal.SIGHUP)


@case(
    "SIGQUIT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sigquit_during_start(sandbox: Sandbox) -> CaseResult:
    """A signal that nothing but a launcher handles."""
    return _during_start(sandbox, signal.SIGQUIT)


@case(
    "SIGKILL at 20 moments of the start: no process is left; files may be (degraded).", alone=True
)
def sigkill_during_start(sandbox: Sandbox) -> CaseResult:
    """A host that gives up on a slow start."""
    return _during_start(sandbox, signal.SIGKILL)


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
        wrap=shell("ulimit -c 0"),
        env={
            "LD_PRELOAD": str(shutil.copy2(library, folder)),
            "SLOW_FORK_SAYS": str(says),
            "SLOW_FORK_ONLY_WITH": sandbox.hello.own_variable,
        },
    )
    with sandbox.session(conditions) as session:
        deadline = time.monotonic() + conditions.ready_timeout_s
        while not says.exists() and session.running.ready_ms is None and not session.running.exited:
            if time.monotonic() > deadline:
                session.hung = "READY"
                break
            session.read(0.005)
        forked = says.exists()
        if not forked and session.processes() > 1:
            raise NotRun("it starts its program by other means than fork, or is linked statically")
        lost = _needs_two(session, number)
        judged = _judge_early_end(session.end())
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
    return _after_fork(sandbox, signal.SIGKILL)


@case("SIGKILL at rest: no process is left after 10 s; files may be (degraded).")
def sigkill_at_rest(sandbox: Sandbox) -> CaseResult:
    """The host lives on and keeps the pipes open, so end of file does not save it."""
    with sandbox.session() as session:
        session.until_ready()
        session.stop(signal.SIGKILL)
        observation = session.end()
    left = remains(observation)
    facts = {"orphan_ms": observation.orphan_ms} if observation.orphan_ms is not None else {}
    if left is not None:
        return _with_facts(left, facts)
    if observation.orphan_ms is not None:
        return passed(
            f"its last process ended {observation.orphan_ms / 1000:.1f} s later",
            observation,
            **facts,
        )
    return passed("READY before it, and nothing outlived it", observation)


def _with_facts(item: CaseResult, facts: dict[str, float]) -> CaseResult:
    return replace(item, facts={**item.facts, **facts})


@case("SIGSTOP suspends the program, SIGCONT wakes it, and it still stops cleanly.")
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


@case("SIGTERM while it is suspended: after SIGCONT it stops cleanly.")
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


@case("SIGTERM twice: one clean stop.")
def sigterm_twice(sandbox: Sandbox) -> CaseResult:
    """An impatient host."""
    with sandbox.session() as session:
        session.until_ready()
        session.send(signal.SIGTERM)
        session.send(signal.SIGTERM)
        session.until_exit()
        observation = session.end()
    return _stopped_once(observation)


def _stopped_once(observation: Observation) -> CaseResult:
    """The second of two signals may hit the interpreter on its way out, after SHUTDOWN.

    Whether it does is chance; ended by it is a stop as well, so it must not change the verdict.
    """
    if (
        observation.ready
        and observation.shutdown
        and not observation.hung
        and remains(observation) is None
    ):
        return passed(f"said SHUTDOWN once, {observation.ending}, nothing left", observation)
    return stops(observation)


@case("SIGINT to its whole process group, as Ctrl-C does: one clean stop.")
def sigint_to_group(sandbox: Sandbox) -> CaseResult:
    """On a terminal every process of the program gets the signal."""
    with sandbox.session() as session:
        session.until_ready()
        session.send(signal.SIGINT, group=True)
        session.until_exit()
        return _stopped_once(session.end())


@case("End of file on stdin: it stops by itself with exit code 0 (the program watches stdin).")
def stdin_end_of_file(sandbox: Sandbox) -> CaseResult:
    """How a sidecar notices that its host is gone."""
    with sandbox.session() as session:
        session.until_ready()
        session.running.close_stdin()
        session.until_exit()
        observation = session.end()
    verdict = stops(observation)
    if verdict.status.value == "pass" and observation.shutdown != "reason=normal":
        return degraded(f"it stopped, but says {observation.shutdown!r}", observation)
    return verdict


@case("Standard input closed from the start (no descriptor 0): it starts and stops.")
def stdin_closed(sandbox: Sandbox) -> CaseResult:
    """Some service managers and GUI hosts start programs so."""
    return stops(sandbox.run(Conditions(wrap=shell("exec <&-"), env={"SIDECAR_EXIT_ON_EOF": "0"})))


@case("Standard input from /dev/null: it starts, waits and stops on SIGTERM.")
def stdin_is_null(sandbox: Sandbox) -> CaseResult:
    """How most hosts start what they do not talk to."""
    return stops(
        sandbox.run(Conditions(wrap=shell("exec </dev/null"), env={"SIDECAR_EXIT_ON_EOF": "0"}))
    )


@case("The reader of stdout goes away: at its next line it ends, and leaves nothing.")
def stdout_closed_by_reader(sandbox: Sandbox) -> CaseResult:
    """A host whose reader thread has died."""
    with sandbox.session(Conditions(args=("--heartbeat", "0.05"))) as session:
        session.until_ready()
        session.running.close_output("stdout")
        session.until_exit()
        return stops(session.end(), code=None)


@case("Nobody reads stdout until more than 64 KiB are due: it waits, and ends when the host goes.")
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


@case("The host dies without a word (all pipes close at once): nothing is left after 10 s.")
def host_vanishes(sandbox: Sandbox) -> CaseResult:
    """What a crash of the host looks like to its sidecar, which watches stdin."""
    with sandbox.session() as session:
        session.until_ready()
        session.running.close_stdin()
        session.running.close_output("stdout")
        session.running.close_output("stderr")
        session.until_exit()
        return stops(session.end(), code=None)
