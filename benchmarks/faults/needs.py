"""What a case may need of the machine, and whether it is there: tried, not guessed."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from benchmarks.baselines import native
from spike.core import process

UNPRIVILEGED_ID = 65534
"""User and group ``nobody``/``nogroup`` on Linux, by convention of the kernel (overflowuid)."""


MESSAGE_S = 3.0
"""Longer than a message needs that is there already."""

PLATFORMS = ("linux", "macos", "windows")
"""The platforms that a case can be asked about."""


class Need(StrEnum):
    """Something that not every machine, or not every platform, offers."""

    LINUX = "Linux"
    SIGNALS = "POSIX signals"
    FORK = "fork"
    RIGHTS = "permission bits"
    REMOVAL = "files that can be removed while in use"
    LOCALES = "locales by LC_ALL"
    LOADER = "LD_LIBRARY_PATH"
    BYTES = "arguments of any bytes"
    SHELL = "a shell that becomes the program"
    SYMLINKS = "symbolic links"
    UNREAD = "pipes that are read only when somebody asks"
    MESSAGES = "pipes that pass a message of no bytes on"
    MOUNTS = "mounts in a namespace of one's own"
    UNPRIVILEGED = "another, unprivileged user"
    LIMITS = "prlimit"
    CHROOT = "chroot"
    READELF = "readelf"
    LDD = "ldd"
    COMPILER = "a C compiler"
    OPENSSL = "openssl"
    PROBE = "the probe, frozen by the same packager"
    PROTOCOL = "the hello sidecar, which says BOOT, HEARTBEAT and SHUTDOWN"
    STDIN = "a program that ends when its stdin does"
    BESIDE = "a program of which two can run at once"


_ONLY_LINUX = {
    Need.LINUX: "it is about Linux alone",
    Need.MOUNTS: "there are no mount namespaces",
    Need.LIMITS: "there is no prlimit",
    Need.UNPRIVILEGED: "there is no setpriv",
    Need.CHROOT: "a root folder with glibc is Linux's",
    Need.READELF: "its programs are no ELF files",
    Need.LDD: "its programs are no ELF files",
    Need.LOADER: "its loader does not read LD_LIBRARY_PATH",
}

_NOT_ON: Mapping[str, Mapping[Need, str]] = {
    "linux": {},
    "macos": _ONLY_LINUX,
    "windows": {
        **_ONLY_LINUX,
        Need.SIGNALS: "there are no such signals: a stop is the end of stdin, Ctrl-C or "
        "TerminateProcess, and a fault is an exit code",
        Need.FORK: "there is no fork",
        Need.RIGHTS: "files have no permission bits, and the temporary folder is its user's own",
        Need.REMOVAL: "the system keeps files that are in use",
        Need.LOCALES: "LC_ALL does not choose the locale",
        Need.BYTES: "arguments are UTF-16",
        Need.SHELL: "there is no exec: a shell stays, and the program is its child",
        Need.UNREAD: "a thread reads each pipe at once, as a host has to there",
    },
}


def this_platform() -> str:
    """Which of :data:`PLATFORMS` this is; what is neither Windows nor macOS counts as Linux."""
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


def not_on(need: Need, platform: str) -> str:
    """Why a platform can never meet a need; empty when it can."""
    return _NOT_ON[platform].get(need, "")


def missing(need: Need) -> str:
    """Why the machine does not meet a need; empty when it does.

    What the program offers is the runner's to judge: see :mod:`benchmarks.faults.targets`.
    """
    if reason := not_on(need, this_platform()):
        return f"not on {this_platform()}: {reason}"
    return _CHECKS[need]() if need in _CHECKS else ""


@functools.cache
def namespace_options() -> tuple[str, ...]:
    """Options of ``unshare`` that give a mount namespace here; empty when none do."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return ()
    for options in (("--mount",), ("--user", "--map-root-user", "--mount")):
        argv = ["unshare", *options, "sh", "-c", "mount -t tmpfs none /tmp"]
        if process.capture(argv, timeout_s=10.0).ok:
            return options
    return ()


def _root() -> str:
    if sys.platform == "win32":
        return f"not on {this_platform()}: there is no root"
    return "" if os.geteuid() == 0 else "needs root"


def _symlinks() -> str:
    """Windows lets only some users make them, and not every file system has them."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder, "link").symlink_to("nowhere")
        except OSError as error:
            return f"a symbolic link cannot be made: {error.strerror}"
    return ""


@functools.cache
def _messages() -> str:
    """Wine 8 loses one that was asked for before it is read, and Python's pools wake by it."""
    if os.name != "nt":
        return ""
    from multiprocessing import Pipe

    reader, writer = Pipe(duplex=False)
    writer.send_bytes(b"")
    reader.poll()

    def read() -> None:
        with contextlib.suppress(EOFError):  # when it was lost, and nobody writes any more
            reader.recv_bytes()

    waiting = threading.Thread(target=read, daemon=True)
    waiting.start()
    waiting.join(MESSAGE_S)
    if waiting.is_alive():
        return (
            "its pipes lose a message of no bytes, by which a ProcessPoolExecutor wakes: "
            "a Python that is not packaged hangs here as well"
        )
    return ""


def _mounts() -> str:
    return "" if namespace_options() else "unshare cannot make a mount namespace here"


def _unprivileged() -> str:
    return _root() or _tool("setpriv", "apt-get install util-linux")


def _chroot() -> str:
    return _root() or _mounts() or _tool("chroot", "apt-get install coreutils")


def _tool(name: str, install: str) -> str:
    return "" if shutil.which(name) else f"{name} is not on PATH ({install})"


_CHECKS: Mapping[Need, Callable[[], str]] = {
    Need.MESSAGES: _messages,
    Need.MOUNTS: _mounts,
    Need.UNPRIVILEGED: _unprivileged,
    Need.LIMITS: lambda: _tool("prlimit", "apt-get install util-linux"),
    Need.CHROOT: _chroot,
    Need.SYMLINKS: _symlinks,
    Need.READELF: lambda: _tool("readelf", "apt-get install binutils"),
    Need.LDD: lambda: _tool("ldd", "apt-get install libc-bin"),
    Need.OPENSSL: lambda: _tool("openssl", "apt-get install openssl"),
    Need.COMPILER: lambda: (
        "" if native.compiler() else f"no C compiler is on PATH ({native.INSTALL})"
    ),
}
