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

LONG_S = 120.0
"""A build that is likely to take longer is told beforehand."""

SECONDS_BESIDE = 95.0
"""What a build of one module takes from empty caches on two processors: nuitka-standalone of the
hello sidecar, in the report "Built again and again"."""
SECONDS_A_MODULE = 0.45
"""What every module of a dependency adds. Not measured: it has to tell minutes from a quarter of
an hour, and the compiler's own rate takes its place as soon as there is one."""

_LOOK_EVERY_S = 2.0
_SAY_EVERY_S = 30.0
_ENOUGH = 20
"""After so many objects the rate says something."""


def expected_s(modules: int, processors: int) -> float:
    """About how long a build with Nuitka takes, in seconds.

    Args:
        modules: Modules that are compiled.
        processors: That compile at the same time.
    """
    return SECONDS_BESIDE + SECONDS_A_MODULE * modules * 2 / max(1, processors)


def announcement(modules: int, last_s: float | None, processors: int) -> str:
    """What is said before a long build; empty for one that is not.

    Args:
        modules: See :func:`expected_s`.
        last_s: How long the last build of the same variant took; None when there was none.
        processors: See :func:`expected_s`.
    """
    if last_s is not None:
        return f"the last build took {in_words(last_s)}" if last_s > LONG_S else ""
    wanted = expected_s(modules, processors)
    if wanted <= LONG_S:
        return ""
    return f"{modules} modules are compiled, which takes about {in_words(wanted)}"


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
    began = said = 0.0
    first = 0
    while not over.wait(_LOOK_EVERY_S):
        total, done = counted(folder)
        now = time.monotonic()
        if done and not began:
            began, first, said = now, done, now
            continue
        if began and done < total and now - said >= _SAY_EVERY_S:
            said = now
            say(progress(total, done, (now - began) / max(1, done - first)))


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
