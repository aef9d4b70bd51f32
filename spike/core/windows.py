"""What Windows has in place of process groups, signals and /proc: job objects and open processes.

Imports anywhere, works on Windows alone. Standard library only (ctypes): it also runs in the
packagers' own environments. Every function raises ``OSError`` for what the system refuses.
"""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
import weakref
from collections.abc import Mapping
from ctypes import wintypes
from dataclasses import dataclass
from typing import Any

CREATE_SUSPENDED = 0x00000004
CREATE_NEW_PROCESS_GROUP = 0x00000200
CREATE_NO_WINDOW = 0x08000000
START_FLAGS = CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW
"""How every program of ours is started: it runs first when :func:`release` lets it, in a job.

A console program then has a console of its own without a window, so that no window appears and the
terminal's Ctrl-C does not reach it: what was started is for us to end.
"""

KILLED = 1
"""Exit code of what is ended by force, as ``Popen.kill`` gives it too."""

_KILL_ON_CLOSE = 0x2000
_LIMITS, _IDS = 9, 3
_MORE_DATA = 234
_NO_SUCH_PROCESS = 87  # ERROR_INVALID_PARAMETER, of OpenProcess
_SNAP_PROCESSES = 2
_INVALID_HANDLE = ctypes.c_void_p(-1).value
_QUERY_AND_READ, _QUERY_LIMITED, _TERMINATE, _SYNCHRONIZE = 0x0410, 0x1000, 0x0001, 0x00100000
_SIGNALLED = 0
_ELSEWHERE = "this is not Windows"
_NO_MORE = "the system shows nothing more of this process"

FAULTS: Mapping[int, str] = {
    0xC0000005: "an access violation",
    0xC000001D: "an illegal instruction",
    0xC0000094: "a division by zero",
    0xC00000FD: "a stack overflow",
    0xC0000135: "a library that it needs was not found",
    0xC0000139: "a library lacks a function that it needs",
    0xC000013A: "Ctrl-C",
    0xC0000142: "a library could not be initialised",
    0xC0000374: "a damaged heap",
    0xC0000409: "it ended itself at once (abort, or a damaged stack)",
}
"""Exit codes that stand for a fault (ntstatus.h); there is no signal to name it."""


def code_text(code: int) -> str:
    """An exit code in words: a fault with its code and its meaning."""
    if code < 0x80000000:
        return str(code)
    meaning = FAULTS.get(code)
    return f"0x{code:08X}" + (f", {meaning}" if meaning else "")


class _Basic(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _Extended(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("Basic", _Basic),
        ("IoCounters", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class _Entry(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("usage", wintypes.DWORD),
        ("pid", wintypes.DWORD),
        ("heap", ctypes.c_size_t),
        ("module", wintypes.DWORD),
        ("threads", wintypes.DWORD),
        ("parent", wintypes.DWORD),
        ("priority", ctypes.c_long),
        ("flags", wintypes.DWORD),
        ("name", ctypes.c_wchar * 260),
    )


_HANDLE, _DWORD, _BOOL = wintypes.HANDLE, wintypes.DWORD, wintypes.BOOL
_POINTER = wintypes.LPVOID
_SIGNATURES: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "CreateJobObjectW": (_HANDLE, (_POINTER, wintypes.LPCWSTR)),
    "SetInformationJobObject": (_BOOL, (_HANDLE, ctypes.c_int, _POINTER, _DWORD)),
    "QueryInformationJobObject": (_BOOL, (_HANDLE, ctypes.c_int, _POINTER, _DWORD, _POINTER)),
    "AssignProcessToJobObject": (_BOOL, (_HANDLE, _HANDLE)),
    "TerminateJobObject": (_BOOL, (_HANDLE, wintypes.UINT)),
    "TerminateProcess": (_BOOL, (_HANDLE, wintypes.UINT)),
    "WaitForSingleObject": (_DWORD, (_HANDLE, _DWORD)),
    "OpenProcess": (_HANDLE, (_DWORD, _BOOL, _DWORD)),
    "QueryFullProcessImageNameW": (_BOOL, (_HANDLE, _DWORD, wintypes.LPWSTR, _POINTER)),
    "ReadProcessMemory": (_BOOL, (_HANDLE, _POINTER, _POINTER, ctypes.c_size_t, _POINTER)),
    "CreateToolhelp32Snapshot": (_HANDLE, (_DWORD, _DWORD)),
    "Process32FirstW": (_BOOL, (_HANDLE, _POINTER)),
    "Process32NextW": (_BOOL, (_HANDLE, _POINTER)),
    "CancelIoEx": (_BOOL, (_HANDLE, _POINTER)),
    "CloseHandle": (_BOOL, (_HANDLE,)),
    "GetCurrentProcess": (_HANDLE, ()),
    "LocalFree": (_POINTER, (_POINTER,)),
}


def _library(name: str) -> Any:
    if sys.platform == "win32":
        return ctypes.WinDLL(name, use_last_error=True)
    raise OSError(_ELSEWHERE)


@functools.cache
def _kernel() -> Any:
    library = _library("kernel32")
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@functools.cache
def _native() -> Any:
    library = _library("ntdll")
    library.NtResumeProcess.argtypes = (_HANDLE,)
    library.NtResumeProcess.restype = ctypes.c_long
    library.NtQueryInformationProcess.argtypes = (_HANDLE, ctypes.c_int, _POINTER, _DWORD, _POINTER)
    library.NtQueryInformationProcess.restype = ctypes.c_long
    return library


@functools.cache
def emulator() -> str:
    """What plays Windows here, such as ``wine 8.0``; empty on Windows itself and elsewhere."""
    if sys.platform == "win32":
        # Wine's own way to be told from Windows; there the library has no such function.
        ask = getattr(_library("ntdll"), "wine_get_version", None)
        if ask is not None:
            ask.restype = ctypes.c_char_p
            return f"wine {ask().decode('ascii', 'replace')}"
    return ""


def _failed() -> OSError:
    """The error of the last call."""
    if sys.platform == "win32":
        return ctypes.WinError(ctypes.get_last_error())
    return OSError(_ELSEWHERE)


def _close(handle: int) -> None:
    _kernel().CloseHandle(handle)


class Job:
    """A job object: all processes that come from one start, whoever their parent is by now.

    It ends them when it is closed, which the system does for a process that dies, too. Nothing
    gets out of it, since nobody may ask to (JOB_OBJECT_LIMIT_BREAKAWAY_OK is not set).
    """

    def __init__(self) -> None:
        """Make one that nobody is in.

        Raises:
            OSError: The system refuses.
        """
        self._handle = _kernel().CreateJobObjectW(None, None)
        if not self._handle:
            raise _failed()
        # Gone with this object: no handle outlives it, and no process outlives the handle.
        self.close = weakref.finalize(self, _close, self._handle)
        limits = _Extended()
        limits.Basic.LimitFlags = _KILL_ON_CLOSE
        size = ctypes.sizeof(limits)
        if not _kernel().SetInformationJobObject(self._handle, _LIMITS, ctypes.byref(limits), size):
            raise _failed()

    def take(self, process: int) -> None:
        """Take a process in, and what it will start.

        Args:
            process: A handle of it.

        Raises:
            OSError: The system refuses.
        """
        if not _kernel().AssignProcessToJobObject(self._handle, process):
            raise _failed()

    def members(self) -> list[int]:
        """Ids of the processes that are in it now; empty once it is closed."""
        if not self.close.alive:
            return []
        room = 64
        while True:

            class Ids(ctypes.Structure):
                """JOBOBJECT_BASIC_PROCESS_ID_LIST."""

                _fields_ = (
                    ("assigned", _DWORD),
                    ("listed", _DWORD),
                    ("ids", ctypes.c_size_t * room),
                )

            found = Ids()
            if _kernel().QueryInformationJobObject(
                self._handle, _IDS, ctypes.byref(found), ctypes.sizeof(found), None
            ):
                return [int(found.ids[number]) for number in range(found.listed)]
            error = _failed()
            if getattr(error, "winerror", None) != _MORE_DATA:
                raise error
            room *= 4

    def end(self) -> None:
        """End everything in it at once; quiet when nothing is, or when it is closed."""
        if self.close.alive:
            _kernel().TerminateJobObject(self._handle, KILLED)


def release(process: int) -> None:
    """Let a process run that was started with CREATE_SUSPENDED.

    Args:
        process: A handle of it. Popen keeps none of its thread, which ResumeThread would need.

    Raises:
        OSError: The system refuses.
    """
    status = _native().NtResumeProcess(process)
    if status != 0:
        raise OSError(f"the process cannot be resumed: 0x{status & 0xFFFFFFFF:08X}")


@functools.cache
def hold_what_is_started() -> Job | None:
    """Take this process into a job, once; what it starts is in that from its creation on.

    So a program that waits for a job of its own goes with us, too, when we die before it has one.

    Returns:
        The job, which only the system closes, with this process; None where it refuses.
    """
    job = Job()
    try:
        job.take(_kernel().GetCurrentProcess())
    except OSError:
        return None
    job.close.atexit = False
    return job


_jobs: weakref.WeakKeyDictionary[subprocess.Popen[bytes], Job] = weakref.WeakKeyDictionary()
"""The job that each program was started in, for as long as somebody holds the program."""


def into_job(child: subprocess.Popen[bytes]) -> None:
    """Put a program that waits for its first instruction into a job of its own, and let it run.

    Raises:
        OSError: The system refuses; the program is ended.
    """
    try:
        handle = int(vars(child)["_handle"])  # Popen has no other name for it
        job = _jobs[child] = Job()
        job.take(handle)
        release(handle)
    except BaseException:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        raise


def job_of(child: subprocess.Popen[bytes]) -> Job | None:
    """The job that a program was started in; None where there are process groups."""
    return _jobs.get(child)


def end_job(pid: int) -> None:
    """End all that is in the job of a program of ours; quiet when nothing is."""
    for child, job in list(_jobs.items()):
        if child.pid == pid:
            job.end()


def cancel_reads(descriptor: int) -> None:
    """End a read that another thread waits in; it gets an error. Quiet when none does."""
    if sys.platform == "win32":
        import msvcrt

        _kernel().CancelIoEx(msvcrt.get_osfhandle(descriptor), None)


def lives(pid: int) -> bool:
    """Whether a process of this id is running; one that may not be asked counts as running."""
    try:
        return not Opened(pid).ended()
    except OSError as error:
        return getattr(error, "winerror", None) != _NO_SUCH_PROCESS


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A process in the system's list.

    Attributes:
        pid: Its id.
        parent: Id of its parent, which may be gone and its number another's.
        name: Its file's name.
    """

    pid: int
    parent: int
    name: str


def listed() -> list[Listed]:
    """Every process there is.

    Raises:
        OSError: The system refuses.
    """
    kernel = _kernel()
    snapshot = kernel.CreateToolhelp32Snapshot(_SNAP_PROCESSES, 0)
    if snapshot in (None, _INVALID_HANDLE):
        raise _failed()
    try:
        entry = _Entry()
        entry.size = ctypes.sizeof(entry)
        found = []
        more = kernel.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            found.append(Listed(pid=entry.pid, parent=entry.parent, name=entry.name))
            more = kernel.Process32NextW(snapshot, ctypes.byref(entry))
        return found
    finally:
        kernel.CloseHandle(snapshot)


class Opened:
    """A process that is held open: while it is, its id is no other's."""

    def __init__(self, pid: int) -> None:
        """Open it.

        Args:
            pid: Its id.

        Raises:
            OSError: It is gone, or not ours to ask.
        """
        access = _QUERY_AND_READ | _QUERY_LIMITED | _TERMINATE | _SYNCHRONIZE
        self._handle = _kernel().OpenProcess(access, False, pid)
        if not self._handle:
            raise _failed()
        weakref.finalize(self, _close, self._handle)

    def ended(self, wait_s: float = 0.0) -> bool:
        """Whether it has ended, or ends within some seconds."""
        milliseconds = max(0, int(wait_s * 1000))
        return bool(_kernel().WaitForSingleObject(self._handle, milliseconds) == _SIGNALLED)

    def end(self) -> None:
        """End it at once; what it has started stays.

        Raises:
            OSError: The system refuses; it may be gone.
        """
        if not _kernel().TerminateProcess(self._handle, KILLED):
            raise _failed()

    def program(self) -> str:
        """Path of its program.

        Raises:
            OSError: It is gone.
        """
        text = ctypes.create_unicode_buffer(32768)
        length = _DWORD(len(text))
        if not _kernel().QueryFullProcessImageNameW(self._handle, 0, text, ctypes.byref(length)):
            raise _failed()
        return text.value

    def command_line(self) -> str:
        """The text that it was started with.

        Raises:
            OSError: It is gone, or cannot be read.
        """
        parameters = self._parameters()
        length, _, place = _unicode_string(self._read(parameters + 0x70, 16))
        return self._read(place, length).decode("utf-16-le", "replace") if length else ""

    def environment(self) -> dict[str, str]:
        """The environment that it was started with; the names as it has them.

        Raises:
            OSError: It is gone, or cannot be read.
        """
        parameters = self._parameters()
        place = int.from_bytes(self._read(parameters + 0x80, 8), "little")
        size = int.from_bytes(self._read(parameters + 0x3F0, 8), "little")
        if not place or not size:
            return {}
        return entries(self._read(place, min(size, 1 << 20)).decode("utf-16-le", "replace"))

    def _parameters(self) -> int:
        """Address of its RTL_USER_PROCESS_PARAMETERS, of a 64-bit process."""
        if ctypes.sizeof(ctypes.c_void_p) != 8:
            raise OSError(_NO_MORE)
        facts = (ctypes.c_size_t * 6)()  # PROCESS_BASIC_INFORMATION: the second is the PEB
        status = _native().NtQueryInformationProcess(
            self._handle, 0, ctypes.byref(facts), ctypes.sizeof(facts), None
        )
        if status != 0 or not facts[1]:
            raise OSError(_NO_MORE)
        return int.from_bytes(self._read(facts[1] + 0x20, 8), "little")

    def _read(self, place: int, size: int) -> bytes:
        data = ctypes.create_string_buffer(size)
        got = ctypes.c_size_t()
        if not _kernel().ReadProcessMemory(self._handle, place, data, size, ctypes.byref(got)):
            raise _failed()
        return data.raw[: got.value]


def _unicode_string(raw: bytes) -> tuple[int, int, int]:
    """Length, room and address of a UNICODE_STRING, in bytes."""
    return (
        int.from_bytes(raw[0:2], "little"),
        int.from_bytes(raw[2:4], "little"),
        int.from_bytes(raw[8:16], "little"),
    )


def entries(block: str) -> dict[str, str]:
    """An environment block as a mapping: entries with a NUL behind each, an empty one at the end.

    What begins with "=" is the shell's own note of a drive's folder.
    """
    found = {}
    for entry in block.split("\0"):
        if not entry:
            break
        name, separator, value = entry.partition("=")
        if name and separator:
            found[name] = value
    return found


def words(line: str) -> list[str]:
    """A command line in words, as the system's own programs divide it.

    Raises:
        OSError: The system refuses.
    """
    if not line:
        return []
    shell = _library("shell32")
    shell.CommandLineToArgvW.restype = ctypes.POINTER(wintypes.LPWSTR)
    shell.CommandLineToArgvW.argtypes = (wintypes.LPCWSTR, _POINTER)
    count = ctypes.c_int()
    found = shell.CommandLineToArgvW(line, ctypes.byref(count))
    if not found:
        raise _failed()
    try:
        return [str(found[number]) for number in range(count.value)]
    finally:
        _kernel().LocalFree(found)
