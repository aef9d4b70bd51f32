"""What a case may need of the machine, and whether it is there: tried, not guessed."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum

from benchmarks.baselines import native
from spike.core import process

UNPRIVILEGED_ID = 65534
"""User and group ``nobody``/``nogroup`` on Linux, by convention of the kernel (overflowuid)."""


class Need(StrEnum):
    """Something that not every machine offers."""

    LINUX = "Linux"
    ROOT = "root"
    MOUNTS = "mounts in a namespace of one's own"
    UNPRIVILEGED = "another, unprivileged user"
    LIMITS = "prlimit"
    CHROOT = "chroot"
    READELF = "readelf"
    LDD = "ldd"
    COMPILER = "a C compiler"
    OPENSSL = "openssl"
    PROBE = "the probe, frozen by the same packager"


def missing(need: Need) -> str:
    """Why a need is not met; empty when it is. :attr:`Need.PROBE` is the runner's to judge."""
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


def _linux() -> str:
    return "" if sys.platform == "linux" else "this is not Linux"


def _root() -> str:
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root"


def _mounts() -> str:
    return _linux() or ("" if namespace_options() else "unshare cannot make a mount namespace here")


def _unprivileged() -> str:
    return _root() or _tool("setpriv", "apt-get install util-linux")


def _chroot() -> str:
    return _root() or _mounts() or _tool("chroot", "apt-get install coreutils")


def _tool(name: str, install: str) -> str:
    return "" if shutil.which(name) else f"{name} is not on PATH ({install})"


_CHECKS: Mapping[Need, Callable[[], str]] = {
    Need.LINUX: _linux,
    Need.ROOT: _root,
    Need.MOUNTS: _mounts,
    Need.UNPRIVILEGED: _unprivileged,
    Need.LIMITS: lambda: _linux() or _tool("prlimit", "apt-get install util-linux"),
    Need.CHROOT: _chroot,
    Need.READELF: lambda: _tool("readelf", "apt-get install binutils"),
    Need.LDD: lambda: _tool("ldd", "apt-get install libc-bin"),
    Need.OPENSSL: lambda: _tool("openssl", "apt-get install openssl"),
    Need.COMPILER: lambda: (
        "" if native.compiler() else f"no C compiler is on PATH ({native.INSTALL})"
    ),
}
