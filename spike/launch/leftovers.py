"""What a launch leaves behind: processes that carry its mark, files in its temporary folder.

Standard library only on Linux and Windows, see :mod:`spike.launch.procs`.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from spike.core import process
from spike.launch import procs, procs_windows
from spike.launch.procs import GONE, Process
from spike.launch.spec import MARK, Failure, Launch

LEFTOVER_TIMEOUT_S = 2.0
"""Nuitka's onefile child notices its parent's end by a poll each second; then it must be gone."""

EXEC_TIMEOUT_S = 0.2
"""A process that says nothing of itself is asked again for so long: an execve takes far less."""

EMPTY_ANSWERS = 2
"""So often a program that has arguments must say that its environment is empty to be believed."""

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_KTHREADD = 2
"""Process id of the parent of every kernel thread."""

Found = TypeVar("Found")


def adopt_orphans() -> None:
    """Make this process the reaper of its descendants (Linux), so that no orphan escapes it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def living() -> Iterator[tuple[Process, Mapping[str, str]]]:
    """Every living process with its environment; kernel threads and zombies are left out."""
    for candidate in procs.processes():
        try:
            environment = _environment(candidate)
        except GONE:
            continue
        if environment is not None:
            yield candidate, environment


def _environment(candidate: Process) -> Mapping[str, str] | None:
    """What a process has in its environment; None when it is no living program.

    In the middle of an execve the new memory does not say yet where environment and arguments are:
    both read as empty, as those of a kernel thread do. Such a process is asked again.
    """
    deadline = time.monotonic() + EXEC_TIMEOUT_S
    empty_with_arguments = 0
    while True:
        environment = candidate.environ()
        if environment:
            return environment
        if _KTHREADD in (candidate.pid, candidate.ppid()) or procs.dead(candidate):
            return None
        empty_with_arguments += bool(candidate.cmdline())
        if empty_with_arguments > EMPTY_ANSWERS:
            return environment
        if time.monotonic() > deadline:
            return None
        time.sleep(0.001)


def survivors(mark: str) -> list[Process]:
    """Every living process that carries ``mark``, whatever session or parent it has by now.

    On Windows also those that are in the launch's job, whatever they carry.
    """
    return look_twice(lambda: _of_launch(mark))


def _of_launch(mark: str) -> list[Process]:
    found = [each for each, environment in living() if environment.get(MARK) == mark]
    if sys.platform == "win32":
        known = {each.pid for each in found}
        found += [each for each in procs_windows.of_job(mark) if each.pid not in known]
    return found


def look_twice(look: Callable[[], Found]) -> Found:
    """Give what ``look`` finds; where it finds nothing, look again before believing it.

    The list of processes is not read in one moment: a parent that ends while it is read takes
    itself out of it, and a child that it started meanwhile is not in it yet.
    """
    return look() or look()


def wait_until_gone(mark: str, timeout_s: float) -> list[Process]:
    """Poll until nobody carries ``mark``; return who still does when the time is up."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.002
    while (left := survivors(mark)) and time.monotonic() < deadline:
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.1)
    reap_orphans()
    return left


def end(processes: list[Process]) -> None:
    """SIGKILL processes of a launch and wait until they are gone."""
    for survivor in processes:
        try:
            survivor.kill()
        except GONE:
            continue
    procs.wait_gone(processes, 5.0)
    reap_orphans()


def reap_orphans() -> None:
    """Collect the zombies that came to us as their reaper; children of ours are left alone."""
    if sys.platform != "linux":
        return
    for child in procs.processes():
        try:
            ours = child.ppid() == os.getpid() and not process.is_awaited(child.pid)
            if ours and procs.dead(child):
                os.waitpid(child.pid, os.WNOHANG)
        except GONE:
            continue


def paths_below(folder: Path) -> Iterator[Path]:
    """Every folder and file below ``folder`` that is there when it is looked for; links as such.

    ``Path.rglob`` raises where a program removes its files at the same time (Python 3.11).
    """
    for root, folders, files in os.walk(folder):
        yield from (Path(root, name) for name in (*folders, *files))


def files_in(folder: Path) -> tuple[tuple[str, ...], int]:
    """Paths below ``folder``, relative and sorted, and the bytes of the files among them."""
    names = []
    size_bytes = 0
    for path in sorted(paths_below(folder)):
        try:
            status = path.lstat()
        except OSError:
            continue  # gone while we were looking
        names.append(path.relative_to(folder).as_posix())
        if stat.S_ISREG(status.st_mode):
            size_bytes += status.st_size
    return tuple(names), size_bytes


def command_line(found: Process) -> str:
    """A process as text for a report; its pid when it is gone meanwhile."""
    try:
        return " ".join(found.cmdline()) or found.name()
    except GONE:
        return f"pid {found.pid}"


def described(found: Process) -> str:
    """Its command line, and what it is doing: what may tell why it is still there."""
    told = []
    try:
        place = Path(f"/proc/{found.pid}")
        fields = dict(
            line.split(":\t", 1)
            for line in (place / "status").read_text().splitlines()
            if ":\t" in line
        )
        told += [fields["State"], f"{fields['Threads']} threads"]
        told.append(f"{time.time() - place.stat().st_mtime:.1f} s old")
        told.append(f"in {(place / 'wchan').read_text()}")
        told.append(f"stdin {(place / 'fd' / '0').readlink()}")
        names = ("SigBlk", "SigIgn", "SigCgt", "ShdPnd")
        told += [f"{name}: {fields[name]}" for name in names if name in fields]
    except (OSError, KeyError):
        pass  # not everything is there on every system, and it may end meanwhile
    return f"{command_line(found)} ({', '.join(told)})"


def inspect(launch: Launch, mark: str, tmp: Path | None) -> Launch:
    """Wait up to LEFTOVER_TIMEOUT_S for "nothing left", then note what is.

    Processes that are left are ended; a launch that was good until here becomes a failed one.
    """
    left = wait_until_gone(mark, LEFTOVER_TIMEOUT_S)
    commands = tuple(command_line(found) for found in left)
    end(left)
    files, size_bytes = files_in(tmp) if tmp is not None else ((), 0)
    failure, detail = launch.failure, launch.detail
    if failure is None and commands:
        failure, detail = Failure.LEFT_PROCESSES, f"{len(commands)} left: {commands[0]}"
    elif failure is None and files:
        failure, detail = (
            Failure.LEFT_FILES,
            f"{len(files)} left in the temporary folder: {files[0]}",
        )
    return replace(
        launch,
        failure=failure,
        detail=detail,
        processes_left=commands,
        files_left=files,
        bytes_left=size_bytes,
    )
