"""Copies of this repository: what is tracked or will be, as it is in the working folder now."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from spike.core.workspace import TOOL


def copy(to: Path, *, without: tuple[str, ...] = ()) -> Path:
    """Copy every file that git does not ignore.

    Args:
        to: Where to; it is made.
        without: Beginnings of the paths that are left out, such as ``src-tauri/``.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOOL,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (TOOL / name).is_file() and not name.startswith(without):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOOL / name, to / name)
    return to
