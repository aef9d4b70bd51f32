"""Where programs run: a throw-away copy of what ships, with a home and folders of its own.

A launch must change neither what ships nor the machine. So what is launched is a copy, made once a
run before anything is timed, with a home, a temporary folder and a working folder that are
removed afterwards. What the program changed there is told: beside itself and where it stands are
places that an installed program cannot write to, or loses.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from spike.core import windows
from spike.core.errors import StorageError, reason
from spike.launch.spec import Launch

MOST_NAMES = 20
"""So many names of changed files are kept of each place; the rest is counted."""

_HOME = {
    "HOME": "home",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_STATE_HOME": "home/.local/state",
    "XDG_RUNTIME_DIR": "run",
    "USERPROFILE": "home",
    "APPDATA": "home/AppData/Roaming",
    "LOCALAPPDATA": "home/AppData/Local",
}
_OF_WINDOWS = ("USERPROFILE", "APPDATA", "LOCALAPPDATA")

State = Mapping[str, tuple[int, ...]]
"""A folder's content: path to kind, size, time of change and inode."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one target runs.

    Attributes:
        root: Folder of everything here; removed with its content.
        program: Folder of the copy of what is launched.
        sources: Copy of the sidecar's folder, for whoever needs files of it.
        before: What ``program`` held when it was made.
        home_before: What the home held.
    """

    root: Path
    program: Path
    sources: Path
    before: State
    home_before: State

    @property
    def home(self) -> Path:
        """The home folder of what runs here."""
        return self.root / "home"

    def environment(self) -> dict[str, str]:
        """Environment variables that make this home the program's."""
        names = [name for name in _HOME if (os.name == "nt") or name not in _OF_WINDOWS]
        return {name: str(self.root / _HOME[name]) for name in names}

    def working_folder(self) -> Path:
        """A new, empty working folder for one launch."""
        return Path(tempfile.mkdtemp(prefix="cwd-", dir=self.root))

    def compared(self, launch: Launch, cwd: Path) -> Launch:
        """A launch with what it has changed here.

        Args:
            launch: One that ran here and has ended.
            cwd: The working folder that it had, which was empty.
        """
        return replace(
            launch,
            wrote_program=changed(self.before, state_of(self.program)),
            wrote_cwd=changed({}, state_of(cwd)),
            wrote_home=changed(self.home_before, state_of(self.home)),
        )


@contextlib.contextmanager
def copied(
    base: Path, program: Path, *, folder: Path | None, sources: Path, files: Sequence[Path]
) -> Iterator[tuple[Place, Path]]:
    """Copy what is launched, on the disk that it lies on, and remove the copy in the end.

    Real copies, written to the disk before anything is timed: a program can write into a hard
    link of itself, and data that is still on its way to the disk would disturb a measurement.

    Args:
        base: Folder below which the copy is made.
        program: What is launched: a program, or a script that is one of ``files``.
        folder: The folder that has to lie around it; None for one file.
        sources: The sidecar's folder.
        files: The files of it that are copied, relative to it.

    Yields:
        The place, and the program in it.

    Raises:
        StorageError: The copy cannot be made.
    """
    root = _new_root(base)
    try:
        try:
            place, copy = _fill(root, program, folder, sources, files)
        except OSError as error:
            raise StorageError(
                f"No copy of {program.name} can be made to launch: {reason(error)}.",
                try_next=f"check the free space and the rights of {base}",
            ) from None
        yield place, copy
    finally:
        remove_tree(root)


def _new_root(base: Path) -> Path:
    try:
        base.mkdir(parents=True, exist_ok=True)
        for left in base.iterdir():
            # A killed run could not remove its own; a process id in the name tells whose it is.
            owner = left.name.partition("-")[0]
            if owner.isdecimal() and not _lives(int(owner)):
                remove_tree(left)
        return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base))
    except OSError as error:
        raise StorageError(
            f"{base} cannot be written: {error.strerror}.",
            try_next=f"check the free space and the rights of {base.parent}",
        ) from None


def _lives(pid: int) -> bool:
    if sys.platform == "win32":  # there os.kill(pid, 0) would end it
        return windows.lives(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _fill(
    root: Path, program: Path, folder: Path | None, sources: Path, files: Sequence[Path]
) -> tuple[Place, Path]:
    for name in _HOME.values():
        (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    copy_of_sources = root / "sources"
    copy_of_sources.mkdir()
    for relative in files:
        (copy_of_sources / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(sources / relative, copy_of_sources / relative)
    if program in (sources / relative for relative in files):
        where = copy_of_sources
        copy = where / program.relative_to(sources)
    elif folder is not None:
        where = root / "program" / folder.name
        shutil.copytree(folder, where, symlinks=True)
        copy = where / program.relative_to(folder)
    else:
        where = root / "program"
        where.mkdir()
        copy = where / program.name
        shutil.copy2(program, copy)
    _flush(root)
    place = Place(
        root=root,
        program=where,
        sources=copy_of_sources,
        before=state_of(where),
        home_before=state_of(root / "home"),
    )
    return place, copy


def _flush(folder: Path) -> None:
    """Write every file below a folder to the disk."""
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top, name)
            if path.is_symlink():
                continue
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            except OSError:
                pass  # a file system that cannot; what it holds back is small
            finally:
                os.close(handle)


def state_of(folder: Path) -> State:
    """What is below a folder; bytecode that Python keeps beside sources is left out."""
    found: dict[str, tuple[int, ...]] = {}
    for top, folders, names in os.walk(folder):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        for name in (*folders, *names):
            path = Path(top, name)
            try:
                status = path.lstat()
            except OSError:
                continue  # gone while we were looking
            kind = stat.S_IFMT(status.st_mode)
            relative = path.relative_to(folder).as_posix()
            # A folder's own time says no more than the names in it.
            found[relative] = (
                (kind,) if stat.S_ISDIR(kind) else (kind, status.st_size, status.st_mtime_ns)
            )
    return found


def changed(before: State, after: State) -> tuple[str, ...]:
    """Names of what was made, changed or removed: the topmost of what is new, sorted, bounded."""
    names = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    new = {name for name in names if name not in before}
    told = [
        name for name in names if not any(str(top) in new for top in PurePosixPath(name).parents)
    ]
    if len(told) > MOST_NAMES:
        return (*told[:MOST_NAMES], f"and {len(told) - MOST_NAMES} more")
    return tuple(told)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours; what cannot be removed is left, never an error."""
    shutil.rmtree(folder, ignore_errors=True)
