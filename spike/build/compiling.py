"""What is said while a compiler works for minutes: how long it may take, and how far it is.

Nuitka writes one C file for a module and then compiles them; both can be counted in its folder,
whatever it prints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spike.build.timings import Estimate
from spike.packagers.recipe import Workload

LONG_S = 60.0
"""A build that is likely to take longer is told beforehand: all that take more than two minutes.

Beside another compiler, as in the first ``invoke spike``, one takes up to twice its estimate: 164 s
were seen where 103 were expected.
"""

_LOOK_EVERY_S = 2.0
_SAY_EVERY_S = 30.0
_ENOUGH = 20
"""After so many objects the rate says something."""


def announcement(work: Workload, expected: Estimate | None) -> str:
    """What is said before a long build; empty for one that is not, or of which nothing is known.

    Args:
        work: What will be compiled.
        expected: See :func:`spike.build.timings.estimate`.
    """
    if expected is None or expected.seconds <= LONG_S:
        return ""
    what = "1 module is" if work.modules == 1 else f"{work.modules} modules are"
    return f"{what} compiled, which takes about {in_words(expected.seconds)} ({expected.basis})"


def in_words(seconds: float) -> str:
    """A duration, rounded to what matters: ``50 s``, ``7 minutes``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes"


@contextmanager
def watched(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Say now and then how far the compiler is, as long as the block runs.

    Args:
        folder: Where C files and objects appear, at any depth; it may come to be later.
        say: Takes a line.
    """
    over = threading.Event()
    watching = threading.Thread(
        target=_watch, args=(folder, say, over), name="compiling", daemon=True
    )
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _watch(folder: Path, say: Callable[[str], None], over: threading.Event) -> None:
    started = said = time.monotonic()
    began = 0.0
    first = 0
    while not over.wait(_LOOK_EVERY_S):
        total, done = counted(folder)
        now = time.monotonic()
        if done and not began:
            began, first, said = now, done, now
            continue
        if now - said < _SAY_EVERY_S:
            continue
        said = now
        if not began:
            say(f"Python is translated to C, {in_words(now - started)} so far")
        elif done < total:
            say(progress(total, done, (now - began) / max(1, done - first)))
        else:
            say(f"all {total} C files are compiled; the program is put together")


def progress(total: int, done: int, seconds_each: float) -> str:
    """One line: ``312 of 1034 C files are compiled, about 4 minutes left``."""
    line = f"{done} of {total} C files are compiled"
    if done < _ENOUGH:
        return line
    return f"{line}, about {in_words((total - done) * seconds_each)} left"


def counted(folder: Path) -> tuple[int, int]:
    """C files of modules, and how many of them have an object already."""
    sources = {path.stem for path in folder.glob("*.build/module.*.c")}
    objects = {path.stem for path in folder.glob("*.build/module.*.o")}
    return len(sources), len(sources & objects)
