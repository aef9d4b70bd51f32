"""Which files an application may leave behind, and which are leftovers. Pure but for the walk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

DATA_ROOTS = (".local/share", ".local/state", ".config", ".cache")
"""Folders of a home in which the XDG Base Directory Specification lets programs keep data."""

SESSION_FILES = ("tmp/.X*-lock", "tmp/.X11-unix/*", "tmp/.ICE-unix/*", "tmp/.*-unix")
"""What display and session make for themselves."""

MANAGERS_OWN = (
    "var/lib/dpkg/*",
    "var/lib/rpm/*",
    "root/.rpmdb/*",  # where Debian's rpm has it
    "var/lib/apt/*",
    "var/log/*",
    "var/cache/*",
    "usr/lib/sysimage/rpm/*",
    "etc/ld.so.cache",
    "usr/share/applications/mimeinfo.cache",
    "usr/share/applications/bamf-2.index",
    "usr/share/icons/*/icon-theme.cache",
    "usr/share/icons/*/.icon-theme.cache",
    "usr/share/mime/*",
    "usr/share/glib-2.0/schemas/gschemas.compiled",
    "usr/share/info/dir",
)
"""Databases, logs and caches of the package manager and of what it calls after each change."""


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What of the files below some folders is a leftover.

    Attributes:
        leftovers: Paths in the root that should not be there.
        data_folders: Folders with data of the application, of its libraries and of the desktop.
    """

    leftovers: tuple[str, ...]
    data_folders: tuple[str, ...]


def judge(paths: Iterable[str], *, home: str, session: str) -> Remains:
    """Tell leftovers from data among what an application has made.

    Args:
        paths: Paths in the root, without its ``/``.
        home: The user's home, likewise.
        session: The folder of the session (``XDG_RUNTIME_DIR``), which ends with it, likewise.
    """
    leftovers: list[str] = []
    data: set[str] = set()
    for path in sorted(paths):
        if any(fnmatch(path, pattern) for pattern in (*SESSION_FILES, *MANAGERS_OWN)):
            continue
        if path.startswith(f"{session}/") or _leads_to_data(path, home):
            continue
        folder = _data_folder(path, home)
        if folder:
            data.add(folder)
        else:
            leftovers.append(path)
    return Remains(leftovers=tuple(leftovers), data_folders=tuple(sorted(data)))


def _data_folder(path: str, home: str) -> str:
    """The folder of the data that a path belongs to; empty for a path that is no data."""
    for root in DATA_ROOTS:
        base = f"{home}/{root}/"
        if path.startswith(base):
            name = path.removeprefix(base).partition("/")[0]
            return f"~/{root}/{name}"
    return ""


def _leads_to_data(path: str, home: str) -> bool:
    """Whether it is an empty folder in which data could lie."""
    return any(f"{home}/{root}/".startswith(f"{path}/") for root in DATA_ROOTS)


def foreign(changed: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    """Files of the system that were changed and are nobody's.

    Args:
        changed: Paths in the root that are new or other than before.
        listed: What the package manager lists as the package's.
    """
    known = set(listed)
    return tuple(
        path
        for path in sorted(changed)
        if path not in known and not any(fnmatch(path, pattern) for pattern in MANAGERS_OWN)
    )


def stamps(
    folder: Path, prefix: str = "", *, empty_folders: bool = False
) -> dict[str, tuple[int, ...]]:
    """Each file below a folder, with what changes when it is changed.

    Args:
        folder: Where to look.
        prefix: Put before each path, with a ``/``.
        empty_folders: Whether a folder without anything in it counts as well.
    """
    found: dict[str, tuple[int, ...]] = {}
    for parent, folders, files in os.walk(folder):
        here = [os.curdir] if empty_folders and not (folders or files) else []
        for each in (*files, *here):
            path = Path(parent, each)
            try:
                status = path.lstat()
            except OSError:
                continue  # gone while we were looking
            relative = path.relative_to(folder).as_posix()
            name = f"{prefix}/{relative}" if prefix else relative
            if stat.S_ISCHR(status.st_mode):
                found[name] = WHITEOUT
                continue
            found[name] = (
                stat.S_IFMT(status.st_mode),
                status.st_size,
                status.st_mtime_ns,
                status.st_ino,
            )
    return found


WHITEOUT = (stat.S_IFCHR, 0, 0, 0)
"""Stamp of what an upper layer has in place of a file that was removed."""


def without_idle_whiteouts(
    found: Mapping[str, tuple[int, ...]], lower: Path
) -> dict[str, tuple[int, ...]]:
    """Leave out whiteouts of files that the lower layer does not have either.

    fuse-overlayfs leaves one wherever a file of the upper layer alone was removed.
    """
    return {
        path: stamp
        for path, stamp in found.items()
        if stamp != WHITEOUT or (lower / path).exists() or (lower / path).is_symlink()
    }


def changed(
    before: Mapping[str, tuple[int, ...]], after: Mapping[str, tuple[int, ...]]
) -> tuple[str, ...]:
    """Paths that are new, other or gone."""
    return tuple(sorted(p for p in {*before, *after} if before.get(p) != after.get(p)))
