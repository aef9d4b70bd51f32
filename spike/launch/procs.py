"""The processes of this system, as far as a launch needs to know them.

On Linux and Windows the standard library alone tells, so that a build can look for leftovers from
inside a packager's environment; elsewhere psutil does, where it is installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from spike.core.process import KILL
from spike.launch import procs_windows
from spike.launch.procs_windows import WindowsProcess

_LINUX = sys.platform == "linux"
_OWN_MEANS = sys.platform in ("linux", "win32")
_PROC = Path("/proc")
_DEAD = ("Z", "X")
"""States of a process that has ended, of which only the exit code is left (proc_pid_stat(5))."""


class Process(Protocol):
    """One process. What it tells may raise :data:`GONE` at any time: it may have ended."""

    @property
    def pid(self) -> int:
        """Its id."""

    def ppid(self) -> int:
        """Its parent's id."""

    def environ(self) -> Mapping[str, str]:
        """The environment that it was started with."""

    def cmdline(self) -> list[str]:
        """Its command line."""

    def exe(self) -> str:
        """Path of its program."""

    def name(self) -> str:
        """Its name, which the system cuts."""

    def kill(self) -> None:
        """End it at once."""


class LinuxProcess:
    """A process as /proc shows it, told apart from a later one of the same id by its start."""

    def __init__(self, pid: int) -> None:
        """Remember when it was started.

        Raises:
            OSError: It is gone.
        """
        self._pid = pid
        self._start = self._stat()[19]

    @property
    def pid(self) -> int:
        """See :class:`Process`."""
        return self._pid

    def ppid(self) -> int:
        """See :class:`Process`."""
        return int(self._stat()[1])

    def environ(self) -> Mapping[str, str]:
        """See :class:`Process`."""
        words = self._read("environ").split("\0")
        return dict(word.split("=", 1) for word in words if "=" in word)

    def cmdline(self) -> list[str]:
        """See :class:`Process`."""
        line = self._read("cmdline").removesuffix("\0")
        return line.split("\0") if line else []

    def exe(self) -> str:
        """See :class:`Process`."""
        return str((_PROC / str(self._pid) / "exe").readlink())

    def name(self) -> str:
        """See :class:`Process`."""
        return self._read("comm").strip()

    def dead(self) -> bool:
        """Whether it has ended and only waits for its exit code to be collected."""
        return self._stat()[0] in _DEAD

    def running(self) -> bool:
        """Whether it has not ended."""
        try:
            fields = self._stat()
        except OSError:
            return False
        return fields[0] not in _DEAD and fields[19] == self._start

    def kill(self) -> None:
        """See :class:`Process`."""
        if self.running():
            os.kill(self._pid, KILL)

    def _read(self, name: str) -> str:
        # As os.environ shows them: bytes that are no text come back unchanged.
        return os.fsdecode((_PROC / str(self._pid) / name).read_bytes())

    def _stat(self) -> list[str]:
        """The fields behind the name, which may hold anything; the state is the first."""
        return self._read("stat").rpartition(") ")[2].split()


def _gone() -> tuple[type[BaseException], ...]:
    if _OWN_MEANS or importlib.util.find_spec("psutil") is None:
        return (OSError,)
    import psutil

    return (OSError, psutil.Error)


GONE = _gone()
"""What a process raises that has ended meanwhile, or that is not ours to ask."""


def unavailable() -> str:
    """Why processes cannot be looked for here; empty when they can."""
    if _OWN_MEANS or importlib.util.find_spec("psutil") is not None:
        return ""
    return f"on {sys.platform} processes are looked for with psutil, which is not installed here"


def processes() -> Iterator[Process]:
    """Every process there is."""
    if _LINUX:
        for entry in _PROC.iterdir():
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    yield LinuxProcess(int(entry.name))
    elif sys.platform == "win32":
        yield from procs_windows.processes()
    elif not unavailable():
        import psutil

        yield from psutil.process_iter()


def dead(candidate: Process) -> bool:
    """Whether a process has ended and only waits for its exit code to be collected."""
    if isinstance(candidate, LinuxProcess | WindowsProcess):
        return candidate.dead()
    import psutil

    return psutil.Process(candidate.pid).status() == psutil.STATUS_ZOMBIE


def wait_gone(candidates: list[Process], timeout_s: float) -> None:
    """Wait until processes have ended, for a bounded time."""
    deadline = time.monotonic() + timeout_s
    for candidate in candidates:
        while time.monotonic() < deadline:
            try:
                if dead(candidate):
                    break
                if isinstance(candidate, LinuxProcess) and not candidate.running():
                    break
            except GONE:
                break
            time.sleep(0.005)
