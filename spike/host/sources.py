"""The host's sources as Cargo and Tauri see them.

Both write beside what they compile: ``target/``, ``binaries/``, ``node_modules/``. Where the tool
is the project, as in this repository, that is ``src-tauri/`` itself. Elsewhere the tool's folder
may be anybody's, or read-only, so that they work on a copy below the project's ``build/``.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
from pathlib import Path

from spike.core.errors import StorageError
from spike.core.workspace import HOST_PROGRAMS_VARIABLE, TOOL, display_path, project

BROUGHT = TOOL / "src-tauri"
"""The sources that the tool brings."""

SUFFIX = ".exe" if sys.platform == "win32" else ""
"""End of a program's name."""

_MADE = ("target", "binaries", "node_modules", "schemas")
"""Folders that are made here, at any depth: never copied, and never removed from a copy."""


def folder() -> Path:
    """Where the host is compiled and its sidecar is staged."""
    if project() == TOOL and os.access(BROUGHT, os.W_OK):
        return BROUGHT
    return project() / "build" / "host" / "src-tauri"


def compiled() -> Path | None:
    """Folder of programs that were compiled elsewhere; None where they are compiled here."""
    given = os.environ.get(HOST_PROGRAMS_VARIABLE)
    return Path(given) if given else None


def release() -> Path:
    """Folder of the compiled programs."""
    return compiled() or folder() / "target" / "release"


def sync() -> Path:
    """Bring the copy up to date, where there is one, and return :func:`folder`.

    A file that has not changed keeps its time: Cargo compiles again what is newer.

    Raises:
        StorageError: The copy cannot be written.
    """
    place = folder()
    if place == BROUGHT:
        return place
    try:
        wanted = _files(BROUGHT)
        for relative in wanted:
            copy = place / relative
            source = BROUGHT / relative
            if not copy.is_file() or not filecmp.cmp(source, copy, shallow=False):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
                copy.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
        for relative in _files(place) - wanted:
            (place / relative).unlink()
    except OSError as error:
        raise StorageError(
            f"The host's sources cannot be copied to {display_path(place)}: {error.strerror}.",
            try_next="check the free space and the rights of build/",
        ) from None
    return place


def _files(base: Path) -> set[Path]:
    found = set()
    for directory, folders, names in os.walk(base):
        folders[:] = [name for name in folders if name not in _MADE]
        found |= {Path(directory, name).relative_to(base) for name in names}
    return found
