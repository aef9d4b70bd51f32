"""Small C programs of ours, compiled where they are used."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from spike.build.buildinfo import file_sha256
from spike.core import process
from spike.core.errors import MissingToolError, SpikeError
from spike.core.workspace import project

INSTALL = "apt-get install build-essential"


def compiler() -> str:
    """Name of the C compiler; empty for none."""
    return next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), "")


def build(source: Path, *options: str) -> Path:
    """Compile a C source, once for each version of it.

    Args:
        source: The source, which fixes the options too.
        options: For the compiler, such as ``-static``.

    Raises:
        MissingToolError: There is no C compiler, or this is Windows.
        SpikeError: It does not compile here.
    """
    if sys.platform == "win32":
        raise MissingToolError(
            "Not on Windows: the small C programs use POSIX.",
            why="They wait for signals, or count with fork and execve.",
        )
    name = compiler()
    if not name:
        raise MissingToolError("No C compiler is on PATH.", try_next=INSTALL)
    target = project() / "build" / source.parent.name / f"{source.stem}-{file_sha256(source)[:12]}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        done = process.capture([name, "-O2", *options, "-o", str(partial), str(source)])
        if not done.ok:
            raise SpikeError(
                f"{source.name} does not compile.", why=done.errors.strip(), try_next=INSTALL
            )
        partial.replace(target)
    return target
