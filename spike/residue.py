"""What a launch leaves behind: processes that carry its mark, files in its temporary folder."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from spike import process
from spike.launch import LEFTOVER_TIMEOUT_S, MARK, Failure, Launch

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Make this process the reaper of its descendants (Linux), so that no orphan escapes it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def survivors(mark: str) -> list[psutil.Process]:
    """Every living process that carries ``mark``, whatever session or parent it has by now."""
    found = []
    for candidate in psutil.process_iter():
        try:
            if candidate.environ().get(MARK) != mark:
                continue
            if candidate.status() == psutil.STATUS_ZOMBIE:
                continue
        except psutil.Error:
            continue
        found.append(candidate)
    return found


def wait_until_gone(mark: str, timeout_s: float) -> list[psutil.Process]:
    """Poll until nobody carries ``mark``; return who still does when the time is up."""
    deadline = time.monotonic() + timeout_s
    pause_s = 0.002
    while (left := survivors(mark)) and time.monotonic() < deadline:
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.1)
    reap_orphans()
    return left


def end(processes: list[psutil.Process]) -> None:
    """SIGKILL processes of a launch and wait until they are gone."""
    for survivor in processes:
        try:
            survivor.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(processes, timeout=5.0)
    reap_orphans()


def reap_orphans() -> None:
    """Collect the zombies that came to us as their reaper; children of ours are left alone."""
    if sys.platform != "linux":
        return
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE and not process.is_awaited(child.pid):
                os.waitpid(child.pid, os.WNOHANG)
        except (psutil.Error, ChildProcessError):
            continue


def files_in(folder: Path) -> tuple[tuple[str, ...], int]:
    """Paths below ``folder``, relative and sorted, and the bytes of the files among them."""
    names = []
    size_bytes = 0
    for path in sorted(folder.rglob("*")):
        names.append(path.relative_to(folder).as_posix())
        if path.is_file() and not path.is_symlink():
            size_bytes += path.stat().st_size
    return tuple(names), size_bytes


def command_line(found: psutil.Process) -> str:
    """A process as text for a report; its pid when it is gone meanwhile."""
    try:
        return " ".join(found.cmdline()) or found.name()
    except psutil.Error:
        return f"pid {found.pid}"


def inspect(launch: Launch, mark: str, tmp: Path | None) -> Launch:
    """Wait up to :data:`~spike.launch.LEFTOVER_TIMEOUT_S` for "nothing left", then note what is.

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
        failure, detail = Failure.LEFT_FILES, f"{len(files)} left: {files[0]}"
    return replace(
        launch,
        failure=failure,
        detail=detail,
        processes_left=commands,
        files_left=files,
        bytes_left=size_bytes,
    )
