"""Launch a program, wait for READY, ask it to stop, and look for what it leaves behind.

One launcher for every benchmark and every fault case. A launch that fails is data
(:class:`~spike.launch.spec.Launch`), never an exception. The clock starts before the spawn and is
read when the pipe delivers the READY line; nothing, no shell and no helper, stands between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spike.launch import leftovers, restarts, smoke, stopping
from spike.launch.places import remove_tree
from spike.launch.procs import GONE
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec, settle_s

Inspector = Callable[[Launch, str, Path | None], Launch]
"""Looks for what a launch left behind: takes the launch, its mark and its temporary folder."""


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
    why_again = ""
    try:
        with running:
            if running.wait_ready():
                if at_ready is not None:
                    at_ready(running)
                why_again = _settle(running)
                if spec.smoke and running.failure is None:
                    smoke.run(running)
                stopping.stop(running)
            elif running.pid is not None and not running.exited:
                why_again = started_again(running)
                running.kill()
                running.wait_exit(1.0)
            result = running.result()
        if inspect is not None:
            result = inspect(result, running.mark, running.tmp)
            result = replace(result, total_ms=running.now_ms())
        if why_again and result.failure is not None:
            result = replace(result, detail=f"{result.detail}: {why_again}")
        return result
    finally:
        if running.tmp is not None:
            remove_tree(running.tmp)


def _settle(running: Running) -> str:
    """Stay a moment after READY; say why the program starts itself again when it does."""
    wanted_s = running.spec.settle_s
    looks = wanted_s is None
    if wanted_s is None:
        assert running.ready_ms is not None
        wanted_s = settle_s(running.ready_ms)
    if wanted_s:
        running.watch(wanted_s)
    again = running.boots > 1 or running.ready_count > 1
    why = started_again(running) if looks or again else ""
    if not again:
        return ""
    if running.boots > 1:
        running.fail(Failure.STARTED_AGAIN, f"BOOT came {running.boots} times")
    return why or restarts.UNKNOWN


def started_again(running: Running) -> str:
    """Look at the processes of a launch, count those of its program, and say why there are more."""
    arguments = list(running.spec.argv[1:])
    program = str(Path(running.spec.argv[0]).resolve())
    commands: dict[int, list[str]] = {}
    parents = set()
    count = 0
    for member in leftovers.survivors(running.mark):
        try:
            line = member.cmdline()
            same = member.exe() == program or line[:1] == [running.spec.argv[0]]
            count += same
            # What a launcher of the packager starts has the arguments of the launch.
            if same and line[1:] != arguments:
                commands[member.pid] = line[1:]
                parents.add(member.ppid())
        except GONE:
            continue
    running.same_program = count
    if restarts.asks_for_python(arguments):
        return ""  # an interpreter that runs a script: its children are what they should be
    certain = running.boots > 1 or running.ready_count > 1 or bool(parents & commands.keys())
    said = running.result()
    output = (*said.stderr_tail, *said.stdout_tail)
    return restarts.reason(list(commands.values()), output, certain=certain)
