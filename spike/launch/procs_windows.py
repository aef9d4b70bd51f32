"""The processes of Windows, as far as a launch needs to know them: by job, and by environment.

Standard library only, so that a build can look for leftovers from inside a packager's environment.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator, Mapping

from spike.core import windows

_SYSTEMS = ("conhost.exe", "explorer.exe")
"""Below system32: the end of a console, and Wine's desktop. Windows has its explorer elsewhere."""
_jobs: weakref.WeakValueDictionary[str, windows.Job] = weakref.WeakValueDictionary()


class WindowsProcess:
    """A process that is held open, so that its id is no other's; see ``procs.Process``."""

    def __init__(self, pid: int, parent: int, name: str) -> None:
        """Open it.

        Args:
            pid: Its id.
            parent: Its parent's.
            name: Its file's name.

        Raises:
            OSError: It is gone, or not ours to ask.
        """
        self._opened = windows.Opened(pid)
        self._pid = pid
        self._parent = parent
        self._name = name

    @property
    def pid(self) -> int:
        """See ``procs.Process``; so are the others."""
        return self._pid

    def ppid(self) -> int:
        """Its parent's id."""
        return self._parent

    def environ(self) -> Mapping[str, str]:
        """The environment that it was started with, the names in capitals."""
        return {name.upper(): value for name, value in self._opened.environment().items()}

    def cmdline(self) -> list[str]:
        """Its command line."""
        return windows.words(self._opened.command_line())

    def exe(self) -> str:
        """Path of its program."""
        return self._opened.program()

    def name(self) -> str:
        """Its file's name."""
        return self._name

    def dead(self) -> bool:
        """Whether it has ended."""
        return self._opened.ended()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end, for a bounded time; whether it has come."""
        return self._opened.ended(timeout_s)

    def kill(self) -> None:
        """End it at once."""
        if not self.dead():
            self._opened.end()


def processes() -> Iterator[WindowsProcess]:
    """Every process that can be asked, but for the system's own."""
    for item in windows.listed():
        with contextlib.suppress(OSError):
            process = WindowsProcess(item.pid, item.parent, item.name)
            if not _is_systems(process):
                yield process


def _is_systems(process: WindowsProcess) -> bool:
    """Whether it is the system's own, which it starts for a program and ends by itself."""
    name = process.name().lower()
    return name in _SYSTEMS and process.exe().lower().endswith(rf"\system32\{name}")


def remember(mark: str, job: windows.Job) -> None:
    """Know the job of a launch by its mark, for as long as somebody holds the job."""
    _jobs[mark] = job


def of_job(mark: str) -> list[WindowsProcess]:
    """The living processes in the job of a launch, also those that have dropped its mark."""
    job = _jobs.get(mark)
    if job is None:
        return []
    members = set(job.members())
    found: list[WindowsProcess] = []
    for item in windows.listed() if members else ():
        if item.pid in members:
            with contextlib.suppress(OSError):
                process = WindowsProcess(item.pid, item.parent, item.name)
                if not process.dead() and not _is_systems(process):
                    found.append(process)
    return found
