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
from benchmarks.faults.sandbox import Life, Setting, Trial, end_all, shell
from benchmarks.faults.verdict import (
    Finding,
    NotRun,
    Outcome,
    Seen,
    degraded,
    good,
    remains,
    stops,
    sweep,
    until_lost,
    worst,
    wrong,
)

MOMENTS = 20
"""Points of the start at which a signal comes, spread evenly from the spawn to READY itself."""

ONE_SIGNAL_S = 8.0
"""Time for the first signal to work; Nuitka's onefile parent gives its child 5 s."""

RARE_MOMENTS = 2
"""So many lost signals among the moments are chance, not a property of the variant."""

FORKS = 5
"""Launches whose fork is held up, at most; the first that is not as expected decides."""

SLOW_FORK = Path(__file__).with_name("slow_fork.c")

PIPE_BYTES = 65536
"""Capacity of a pipe on Linux, see pipe(7)."""


def _clean_stop(trial: Trial, number: int) -> Finding:
    return stops(trial.run(stop=number))


@case("SIGTERM at rest: it stops with exit code 0 and leaves nothing.")
def sigterm_at_rest(trial: Trial) -> Finding:
    """The usual stop."""
    return _clean_stop(trial, signal.SIGTERM)


@case("SIGINT at rest: it stops with exit code 0 and leaves nothing.")
def sigint_at_rest(trial: Trial) -> Finding:
    """As from a terminal, but to the one process only."""
    return _clean_stop(trial, signal.SIGINT)


@case("SIGHUP at rest: it stops with exit code 0 and leaves nothing.")
def sighup_at_rest(trial: Trial) -> Finding:
    """The terminal is closed."""
    return _clean_stop(trial, signal.SIGHUP)


@case("SIGQUIT at rest, for which the program has no handler: it ends and leaves nothing.")
def sigquit_at_rest(trial: Trial) -> Finding:
    """The default action is to die, with a core file where those are on."""
    return stops(trial.run(Setting(wrap=shell("ulimit -c 0")), stop=signal.SIGQUIT), code=None)


@case("SIGTERM, SIGINT and SIGHUP reach the program under their own names.")
def signal_name_reaches_program(trial: Trial) -> Finding:
    """The program may have to tell a stop from an interrupt."""
    told = {}
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        seen = trial.run(stop=signal.Signals[name])
        if seen.shutdown == f"reason=signal signal={name}":
            told[name] = good("reaches the program", seen)
        elif seen.shutdown:
            told[name] = degraded(f"reaches the program as {seen.shutdown.split('=')[-1]}", seen)
        else:
            told[name] = degraded(f"does not reach the program ({seen.ending})", seen)
    return worst(told, good_detail="all three reach the program under their own names")


def _during_start(trial: Trial, number: int, *, group: bool = False) -> Finding:
    """Send a signal at moments of the start that are spread from the spawn to READY.

    Args:
        trial: The trial.
        number: The signal.
        group: Whether it goes to every process of the program, as from a terminal.
    """
    times = []
    for _ in range(3):
        with trial.life() as life:
            life.until_ready()
            times.append(life.running.now_ms() / 1000)
            life.stop()
    span_s = statistics.median(times)
    lives: list[Life] = []
    again: set[int] = set()
    try:
        for number_of_moment in range(MOMENTS):
            life = trial.life(Setting(wrap=shell("ulimit -c 0")))
            life.__enter__()
            lives.append(life)
            if number_of_moment == MOMENTS - 1:
                # The end of the start is not left to chance: whatever runs at READY, runs now.
                life.until_ready()
            else:
                moment_s = span_s * number_of_moment / MOMENTS
                life.read(max(0.0, moment_s - life.running.now_ms() / 1000))
            if _needs_two(life, number, group=group):
                again.add(len(lives) - 1)
        seen = end_all(lives)
    finally:
        for life in lives:
            life.__exit__(None, None, None)
    judged = [_judge_early_end(one) for one in seen]
    return sweep(_with_lost_signals(judged, again), of="moments")


def _needs_two(life: Life, number: int, *, group: bool = False) -> bool:
    """Send a signal, and once more when nothing comes of it; whether the first was lost."""
    life.send(number, group=group)
    if life.running.wait_exit(ONE_SIGNAL_S):
        return False
    life.send(number, group=group)
    life.until_exit()
    return True


def _with_lost_signals(
    judged: list[tuple[str, Finding]], again: set[int]
) -> list[tuple[str, Finding]]:
    """Mark the moments at which one signal was not enough, where nothing worse happened.

    CPython itself loses a SIGINT that meets one of its callbacks: a window so narrow that it is
    met by chance. Chance must not change a verdict, so a few are counted and not judged.
    """
    outcome = Outcome.DEGRADED if len(again) > RARE_MOMENTS else Outcome.AS_EXPECTED
    return [
        _first_was_lost(one, outcome) if index in again else one for index, one in enumerate(judged)
    ]


def _first_was_lost(judged: tuple[str, Finding], outcome: Outcome) -> tuple[str, Finding]:
    _, item = judged
    if item.outcome is not Outcome.AS_EXPECTED:
        return judged
    detail = "the first signal was lost, the second stops it"
    return "needed a second signal", replace(item, outcome=outcome, detail=detail)


def _judge_early_end(seen: Seen) -> tuple[str, Finding]:
    if seen.hung:
        return "hung", wrong(f"hung: no {seen.hung} in time", seen)
    left = remains(seen)
    if left is not None:
        return ("left processes" if seen.processes_left else "left files"), left
    if seen.exit_code == 0 and not seen.shutdown:
        return "exited with 0 unready", wrong("exited with 0 although it never was ready", seen)
    if seen.shutdown:
        return "stopped as asked", good("stopped as asked", seen)
    return "ended", good(f"{seen.ending}, nothing left", seen)


@case(
    "SIGTERM at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sigterm_during_start(trial: Trial) -> Finding:
    """A user who quits at once."""
    return _during_start(trial, signal.SIGTERM)


@case(
    "SIGINT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sigint_during_start(trial: Trial) -> Finding:
    """Ctrl-C at once."""
    return _during_start(trial, signal.SIGINT)


@case(
    "SIGINT to its whole process group at 20 moments of the start: it ends, never with a false 0, "
    "and leaves nothing.",
    alone=True,
)
def ctrl_c_during_start(trial: Trial) -> Finding:
    """Ctrl-C at once, on a terminal: helper processes get it too, while they start."""
    return _during_start(trial, signal.SIGINT, group=True)


@case(
    "SIGHUP at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sighup_during_start(trial: Trial) -> Finding:
    """A terminal closed at once."""
    return _during_start(trial, signal.SIGHUP)


@case(
    "SIGQUIT at 20 moments of the start: it ends, never with a false 0, and leaves nothing.",
    alone=True,
)
def sigquit_during_start(trial: Trial) -> Finding:
    """A signal that nothing but a launcher handles."""
    return _during_start(trial, signal.SIGQUIT)


@case(
    "SIGKILL at 20 moments of the start: no process is left; files may be (degraded).", alone=True
)
def sigkill_during_start(trial: Trial) -> Finding:
    """A host that gives up on a slow start."""
    return _during_start(trial, signal.SIGKILL)


def _after_fork(trial: Trial, number: int) -> Finding:
    """Send a signal to a program that has just started its own, before it knows of it.

    The sweeps meet this moment once in some thousand launches. Here a preloaded library holds it
    for a second. How far the child has come by then is a race, so it is tried until it is lost.

    Raises:
        NotRun: The library does not reach the program that starts another.
    """
    library = native.build(SLOW_FORK, "-shared", "-fPIC")
    return sweep(
        until_lost(FORKS, lambda: [_with_a_slow_fork(trial, library, number)]), of="launches"
    )


def _with_a_slow_fork(trial: Trial, library: Path, number: int) -> tuple[str, Finding]:
    # The loader splits LD_PRELOAD at spaces, which the path of this repository may have.
    folder = trial.public_folder()
    says = folder / "forked"
    setting = Setting(
        wrap=shell("ulimit -c 0"),
        env={
            "LD_PRELOAD": str(shutil.copy2(library, folder)),
            "SLOW_FORK_SAYS": str(says),
            "SLOW_FORK_ONLY_WITH": trial.hello.own_variable,
        },
    )
    with trial.life(setting) as life:
        deadline = time.monotonic() + setting.ready_timeout_s
        while not says.exists() and life.running.ready_ms is None and not life.running.exited:
            if time.monotonic() > deadline:
                life.hung = "READY"
                break
            life.read(0.005)
        forked = says.exists()
        if not forked and life.processes() > 1:
            raise NotRun("it starts its program by other means than fork, or is linked statically")
        lost = _needs_two(life, number)
        judged = _judge_early_end(life.end())
    label, finding = _first_was_lost(judged, Outcome.DEGRADED) if lost else judged
    moment = "after its fork" if forked else "at READY, as it starts no second process"
    return f"{label} {moment}", finding


@case(
    "SIGTERM just after it has started its own program, 5 times over: it ends, and leaves nothing.",
    needs=(Need.LINUX, Need.COMPILER),
)
def sigterm_after_fork(trial: Trial) -> Finding:
    """A launcher that cannot pass the signal on yet."""
    return _after_fork(trial, signal.SIGTERM)


@case(
    "SIGKILL just after it has started its own program, 5 times over: no process is left; files "
    "may be (degraded).",
    needs=(Need.LINUX, Need.COMPILER),
)
def sigkill_after_fork(trial: Trial) -> Finding:
    """The program may wait for a word from its launcher that will not come."""
    return _after_fork(trial, signal.SIGKILL)


@case("SIGKILL at rest: no process is left after 10 s; files may be (degraded).")
def sigkill_at_rest(trial: Trial) -> Finding:
    """The host lives on and keeps the pipes open, so end of file does not save it."""
    with trial.life() as life:
        life.until_ready()
        life.stop(signal.SIGKILL)
        seen = life.end()
    left = remains(seen)
    facts = {"orphan_ms": seen.orphan_ms} if seen.orphan_ms is not None else {}
    if left is not None:
        return _with_facts(left, facts)
    if seen.orphan_ms is not None:
        return good(f"its last process ended {seen.orphan_ms / 1000:.1f} s later", seen, **facts)
    return good("READY before it, and nothing outlived it", seen)


def _with_facts(item: Finding, facts: dict[str, float]) -> Finding:
    return replace(item, facts={**item.facts, **facts})


@case("SIGSTOP suspends the program, SIGCONT wakes it, and it still stops cleanly.")
def sigstop_and_sigcont(trial: Trial) -> Finding:
    """A host that freezes its sidecar, or a user's job control."""
    with trial.life(Setting(args=("--heartbeat", "0.05"))) as life:
        life.until_ready()
        life.running.pump(lambda: bool(life.heard("HEARTBEAT ")), 5.0)
        life.send(signal.SIGSTOP)
        life.read(0.3)  # what was under way may still come
        before = life.heard("HEARTBEAT ")
        life.read(1.0)
        suspended = life.heard("HEARTBEAT ") == before
        life.send(signal.SIGCONT)
        now = life.heard("HEARTBEAT ")
        woke = life.running.pump(lambda: life.heard("HEARTBEAT ") != now, 5.0)
        life.stop()
        seen = life.end()
    verdict = stops(seen)
    if verdict.outcome.value != "as expected":
        return verdict
    if not woke:
        return wrong("no heartbeat after SIGCONT", seen)
    if not suspended:
        return degraded("the heartbeat goes on: only the launcher process is suspended", seen)
    return good("suspended, awake again, clean stop", seen)


@case("SIGTERM while it is suspended: after SIGCONT it stops cleanly.")
def sigterm_while_suspended(trial: Trial) -> Finding:
    """The signal waits until the program runs again."""
    with trial.life() as life:
        life.until_ready()
        life.send(signal.SIGSTOP)
        life.send(signal.SIGTERM)
        life.read(0.2)
        life.send(signal.SIGCONT)
        life.until_exit()
        return stops(life.end())


@case("SIGTERM twice: one clean stop.")
def sigterm_twice(trial: Trial) -> Finding:
    """An impatient host."""
    with trial.life() as life:
        life.until_ready()
        life.send(signal.SIGTERM)
        life.send(signal.SIGTERM)
        life.until_exit()
        seen = life.end()
    return _stopped_once(seen)


def _stopped_once(seen: Seen) -> Finding:
    """The second of two signals may hit the interpreter on its way out, after SHUTDOWN.

    Whether it does is chance; ended by it is a stop as well, so it must not change the verdict.
    """
    if seen.ready and seen.shutdown and not seen.hung and remains(seen) is None:
        return good(f"said SHUTDOWN once, {seen.ending}, nothing left", seen)
    return stops(seen)


@case("SIGINT to its whole process group, as Ctrl-C does: one clean stop.")
def sigint_to_group(trial: Trial) -> Finding:
    """On a terminal every process of the program gets the signal."""
    with trial.life() as life:
        life.until_ready()
        life.send(signal.SIGINT, group=True)
        life.until_exit()
        return _stopped_once(life.end())


@case("End of file on stdin: it stops by itself with exit code 0 (the program watches stdin).")
def stdin_end_of_file(trial: Trial) -> Finding:
    """How a sidecar notices that its host is gone."""
    with trial.life() as life:
        life.until_ready()
        life.running.close_stdin()
        life.until_exit()
        seen = life.end()
    verdict = stops(seen)
    if verdict.outcome.value == "as expected" and seen.shutdown != "reason=normal":
        return degraded(f"it stopped, but says {seen.shutdown!r}", seen)
    return verdict


@case("Standard input closed from the start (no descriptor 0): it starts and stops.")
def stdin_closed(trial: Trial) -> Finding:
    """Some service managers and GUI hosts start programs so."""
    return stops(trial.run(Setting(wrap=shell("exec <&-"), env={"SIDECAR_EXIT_ON_EOF": "0"})))


@case("Standard input from /dev/null: it starts, waits and stops on SIGTERM.")
def stdin_is_null(trial: Trial) -> Finding:
    """How most hosts start what they do not talk to."""
    return stops(
        trial.run(Setting(wrap=shell("exec </dev/null"), env={"SIDECAR_EXIT_ON_EOF": "0"}))
    )


@case("The reader of stdout goes away: at its next line it ends, and leaves nothing.")
def stdout_closed_by_reader(trial: Trial) -> Finding:
    """A host whose reader thread has died."""
    with trial.life(Setting(args=("--heartbeat", "0.05"))) as life:
        life.until_ready()
        life.running.close_output("stdout")
        life.until_exit()
        return stops(life.end(), code=None)


@case("Nobody reads stdout until more than 64 KiB are due: it waits, and ends when the host goes.")
def stdout_nobody_reads(trial: Trial) -> Finding:
    """The pipe is full and the write blocks; closing it must not leave a process behind."""
    with trial.life(Setting(args=("--heartbeat", "0.0001"))) as life:
        life.until_ready()
        # Nothing is read from here on: the heartbeat fills the pipe and blocks.
        full = _wait_until_full(life)
        life.send(signal.SIGTERM)
        life.running.close_output("stdout")
        life.until_exit()
        seen = life.end()
    if not full and not seen.hung:
        return wrong("the heartbeat stopped before the pipe was full", seen)
    return stops(seen, code=None)


def _wait_until_full(life: Life) -> bool:
    """Wait until the unread bytes in the stdout pipe are as many as it holds, and stay so."""
    deadline = time.monotonic() + 30.0
    last = -1
    while time.monotonic() < deadline:
        waiting = life.running.unread_bytes("stdout")
        if waiting == last and waiting > PIPE_BYTES - 4096:
            return True
        last = waiting
        time.sleep(0.1)
    return False


@case("The host dies without a word (all pipes close at once): nothing is left after 10 s.")
def host_vanishes(trial: Trial) -> Finding:
    """What a crash of the host looks like to its sidecar, which watches stdin."""
    with trial.life() as life:
        life.until_ready()
        life.running.close_stdin()
        life.running.close_output("stdout")
        life.running.close_output("stderr")
        life.until_exit()
        return stops(life.end(), code=None)
