"""On what a result was measured: machine, system, Python, checkout, and how busy it was.

One function a source; a source that is not there is left out, never guessed. No host name and no
user name: results are published.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from spike import __version__
from spike.core import process, windows, workspace
from spike.core.errors import SpikeError
from spike.measure import identity


def collect() -> dict[str, Any]:
    """Everything known about this machine and checkout, as JSON values.

    Keys: ``at`` (UTC, ISO 8601), ``tool`` (this tool's version), ``platform``, ``arch``,
    ``emulated`` (what plays this system, such as ``wine 8.0``), ``system``, ``kernel``, ``libc``,
    ``cpu``, ``cpu_count``, ``memory_bytes``, ``python``, ``checkout`` (see
    :mod:`spike.measure.identity`), ``git_commit``, ``git_dirty``, ``load_1min`` (runnable
    processes, mean of one minute), ``temporary_filesystem``.

    Raises:
        StorageError: This checkout has no identity yet, and none can be written.
    """
    facts: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool": __version__,
        "platform": workspace.system_name(),
        "arch": workspace.arch_name(),
        "emulated": windows.emulator(),
        "system": _system(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "cpu": _cpu(),
        "cpu_count": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "checkout": identity.checkout(workspace.project()),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "temporary_filesystem": filesystem(Path("/tmp") if os.name == "posix" else Path.home()),
        **_git(),
    }
    return {key: value for key, value in facts.items() if value not in (None, "")}


SAME_MACHINE = ("platform", "arch", "kernel", "cpu", "cpu_count", "memory_bytes")
"""Fields that have to agree, beside the checkout, before two results may stand side by side."""


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Say in words what forbids putting two results side by side; empty when nothing does."""
    for name in SAME_MACHINE:
        if one.get(name) != other.get(name):
            return (
                f"measured on another machine ({name}: {one.get(name)!r} and {other.get(name)!r})"
            )
    # Machines of one kind share all of the above.
    if one.get("checkout") != other.get("checkout"):
        return "measured in another checkout"
    return ""


def _system() -> str:
    try:
        # Under Wine the file is that of the system beneath.
        if sys.platform != "win32":
            return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        pass
    return platform.platform(terse=True)


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def filesystem(path: Path) -> str:
    """Kind of the file system that a folder is on, such as ``ext4``; empty when not known."""
    best = ""
    kind = ""
    try:
        partitions = psutil.disk_partitions(all=True)
    except OSError:  # a drive that is not there, of those that Windows lists
        return ""
    for partition in partitions:
        if path.is_relative_to(partition.mountpoint) and len(partition.mountpoint) >= len(best):
            best, kind = partition.mountpoint, partition.fstype
    return kind


def _git() -> dict[str, Any]:
    try:
        commit = process.capture(["git", "rev-parse", "HEAD"], cwd=workspace.project())
        changes = process.capture(["git", "status", "--porcelain"], cwd=workspace.project())
    except SpikeError:
        return {}
    if not commit.ok:
        return {}
    # Results and the record are what a run writes; they do not make the code another.
    written = ("benchmarks/results/", "snapshots/", "issues/", "decision-record.md")
    dirty = [
        line for line in changes.output.splitlines() if not line[3:].strip('"').startswith(written)
    ]
    return {"git_commit": commit.output.strip(), "git_dirty": bool(dirty)}
