"""Finds the Python of a version that a sidecar asks for, among those that are installed here.

Nothing is downloaded: which Python ships is the author's choice, and so is where it comes from.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from spike.core import process
from spike.core.errors import MissingToolError

_TELL = "import sys; print('.'.join(map(str, sys.version_info[:3])))"


def find(version: str) -> Path:
    """A Python of a version, such as ``3.13`` or ``3.13.1``.

    Raises:
        MissingToolError: There is none; the message has a command that installs one.
    """
    seen = set()
    for candidate in _candidates(version):
        if candidate in seen:
            continue
        seen.add(candidate)
        if f"{version_of(candidate)}.".startswith(f"{version}."):
            return Path(candidate)
    raise MissingToolError(
        f"There is no Python {version} here.",
        why="It is looked for on PATH, among pyenv's and among uv's.",
        try_next=f"uv python install {version}",
    )


def _candidates(version: str) -> Iterator[str]:
    short = ".".join(version.split(".")[:2])
    yield sys.executable
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for name in (f"python{short}", "python3", "python"):
            if found := shutil.which(name, path=folder):
                yield found
    name = "python.exe" if sys.platform == "win32" else "bin/python3"
    home = Path.home()
    for place, pattern in (
        (os.environ.get("PYENV_ROOT", home / ".pyenv"), "versions/{}*"),
        (os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"), "cpython-{}*"),
        (home / "AppData/Roaming/uv/python", "cpython-{}*"),
    ):
        for own in sorted(Path(place).glob(pattern.format(version)), reverse=True):
            if (own / name).is_file():
                yield str(own / name)


def version_of(python: str) -> str:
    """What a Python says that it is; empty when it says nothing, as a shim without one does."""
    try:
        done = process.capture([python, "-I", "-c", _TELL], timeout_s=20.0)
    except MissingToolError:
        return ""
    return done.output.strip() if done.ok else ""
