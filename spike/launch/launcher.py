"""Launch a program, wait for READY, ask it to stop, and look for what it leaves behind.

One launcher for every benchmark and every fault case. A launch that fails is data
(:class:`~spike.launch.spec.Launch`), never an exception. The clock starts before the spawn and is
read when the pipe delivers the READY line; nothing, no shell and no helper, stands between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spike.launch import leftovers, restarts, smoke, stopping
from spike.launch.places import remove_tree
from spike.launch.procs import GONE
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec, settle_s

AGAIN = 4
"""So many times longer a launch is watched in which a second start of the program may run."""

LAST_WORDS_S = 1.0
"""A program that never said READY gets so long to end by itself."""

MOST_WORDS = 3
"""Where a program's own name stands in its command line: behind an interpreter and its options."""

Inspector = Callable[[Launch, str, Path | None], Launch]
"""Looks for what a launch left behind: takes the launch, its mark and its temporary folder."""


@dataclass(frozen=True, kw_only=True)
class _Family:
    """The processes of a launch beyond the one that was started.

    Attributes:
        commands: Arguments of the further processes of the same program.
        nested: Whether one of them has started one more.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    nested: bool = False


def launch(
    spec: LaunchSpec,
    *,
    inspect: Inspector | None = None,
    at_ready: Callable[[Running], None] | None = None,
) -> Launch:
    """One whole life: spawn, READY, a requested stop, and "nothing left".

    Args:
        spec: What to launch.
        inspect: Looks for leftovers, see :func:`spike.launch.leftovers.inspect`; None to skip that.
        at_ready: Looks at the running program once READY has come; no clock runs meanwhile.

    Returns:
        The launch, failed or not. It raises nothing for a program's misbehaviour.
    """
    running = Running(spec)
    family = _Family()
    try:
        with running:
            if running.wait_ready():
                if at_ready is not None:
                    at_ready(running)
                family = _settle(running)
                if spec.smoke and running.failure is None:
                    smoke.run(running)
                stopping.stop(running)
            elif running.pid is not None and not running.exited:
                family = _look(running)
                # What it has kept in a buffer shows only when it ends by itself.
                running.ask_to_stop()
                if not running.wait_exit(LAST_WORDS_S):
                    running.kill()
                    running.wait_exit(LAST_WORDS_S)
                running.ready_ms = None
            elif running.pid is not None and running.exit_code == 0:
                # Another process may go on in the background, until it writes to whom nobody reads.
                running.pump(lambda: running.ready_count > 0, LAST_WORDS_S)
                _look(running)
                running.ready_ms = None
            result = running.result()
        if inspect is not None:
            result = inspect(result, running.mark, running.tmp)
            result = replace(result, total_ms=running.now_ms())
        if result.failure is not None and (why := _why_again(running, family)):
            result = replace(result, detail=f"{result.detail}: {why}", again=why)
        return result
    finally:
        if running.tmp is not None:
            remove_tree(running.tmp)


def _settle(running: Running) -> _Family:
    """Stay a moment after READY, and longer where a second start may be under way."""
    if running.spec.settle_s is not None:
        if running.spec.settle_s:
            running.watch(running.spec.settle_s)
        return _look(running) if running.ready_count > 1 else _Family()
    assert running.ready_ms is not None
    wanted_s = settle_s(running.ready_ms)
    running.watch(wanted_s)
    family = _look(running)
    if running.ready_count == 1 and (running.boots > 1 or restarts.forked(family.commands)):
        # Either a child imports the main script, which is right, or it runs it and says READY.
        running.pump(lambda: running.exited or running.ready_count > 1, AGAIN * wanted_s)
        family = _look(running)
    if running.boots > 1 and (family.nested or restarts.refused(running.result().stderr_tail)):
        running.fail(Failure.STARTED_AGAIN, f"BOOT came {running.boots} times")
    return family


def _look(running: Running) -> _Family:
    """Look at the processes of a launch and count those of its program."""
    arguments = list(running.spec.argv[1:])
    program = str(Path(running.spec.argv[0]).resolve())
    commands: dict[int, tuple[str, ...]] = {}
    parents: dict[int, int] = {}
    count = 0
    for member in leftovers.survivors(running.mark):
        try:
            line = member.cmdline()
            own_name = running.spec.argv[0] in line[:MOST_WORDS]
            if not own_name and member.exe() != program:
                continue
            count += 1
            given = line[line.index(running.spec.argv[0]) + 1 if own_name else 1 :]
            # What a launcher of the packager starts has the arguments of the launch.
            if given != arguments:
                commands[member.pid] = tuple(given)
                parents[member.pid] = member.ppid()
        except GONE:
            continue
    running.same_program = count
    if restarts.asks_for_python(arguments):
        return _Family()  # an interpreter that runs a script: its children are what they should be
    return _Family(
        commands=tuple(commands.values()),
        nested=any(
            parent in commands and commands[parent] != commands[child]
            for child, parent in parents.items()
        ),
    )


def _why_again(running: Running, family: _Family) -> str:
    """Why a failed program starts itself again; empty when nothing shows that it does."""
    if restarts.asks_for_python(running.spec.argv[1:]):
        return ""
    said = running.result()
    certain = family.nested or (running.ready_count > 1 and running.boots > 1)
    output = (*said.stderr_tail, *said.stdout_tail)
    why = restarts.reason(family.commands, output, certain=certain)
    return why or (restarts.UNKNOWN if certain else "")
