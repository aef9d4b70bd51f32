"""Launch a program, wait for READY, ask it to stop, and look for what it leaves behind.

One launcher for every benchmark and every fault case. A launch that fails is data
(:class:`~spike.launch.spec.Launch`), never an exception. The clock starts before the spawn and is
read when the pipe delivers the READY line; nothing, no shell and no helper, stands between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spike.core import process
from spike.launch import smoke, stopping
from spike.launch.places import remove_tree
from spike.launch.running import Running
from spike.launch.spec import Launch, LaunchSpec

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
    try:
        with running:
            if running.wait_ready():
                if at_ready is not None:
                    at_ready(running)
                if spec.settle_s:
                    running.watch(spec.settle_s)
                if spec.smoke and running.failure is None:
                    smoke.run(running)
                stopping.stop(running)
            elif running.pid is not None and not running.exited:
                process.kill_group(running.pid)
                running.wait_exit(1.0)
            result = running.result()
        if inspect is not None:
            result = inspect(result, running.mark, running.tmp)
            result = replace(result, total_ms=running.now_ms())
        return result
    finally:
        if running.tmp is not None:
            remove_tree(running.tmp)
