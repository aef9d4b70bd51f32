"""A launch as values: how a program is to be launched, and what one launch of it did."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from spike.launch.ready import Ready

MARK = "SPIKE_LAUNCH_MARK"
"""Environment variable with a value unique to one launch; whoever carries it, came from it."""

LAUNCH_ID = "SIDECAR_LAUNCH_ID"
"""What a host's supervisor marks the sidecar's processes with (``MARK_VARIABLE`` in its
``spec.rs``)."""

TEMPORARY = ("TMPDIR", "TEMP", "TMP") if sys.platform == "win32" else ("TMPDIR",)
"""Environment variables that name the temporary folder; Windows itself reads the last two."""

STOP_TIMEOUT_S = 10.0
"""Grace after the stop signal. Nuitka's onefile parent itself waits 5 s for its child."""


SETTLE_FACTOR = 1.5
SETTLE_LEAST_S = 0.2
SETTLE_MOST_S = 3.0


def settle_s(ready_ms: float) -> float:
    """How long to stay after READY before a launch is judged, in seconds.

    A program that starts itself again, for a child process that never comes to be, needs about as
    long for that as its own start took; half as much again finds it on a busy machine, too.
    """
    return min(SETTLE_MOST_S, max(SETTLE_LEAST_S, SETTLE_FACTOR * ready_ms / 1000))


class Failure(StrEnum):
    """Kinds of failed launch, in the order in which they can happen."""

    NOT_FOUND = "not_found"
    NOT_EXECUTABLE = "not_executable"
    SPAWN_FAILED = "spawn_failed"
    EXITED_BEFORE_READY = "exited_before_ready"
    READY_TIMEOUT = "ready_timeout"
    SMOKE_FAILED = "smoke_failed"
    DUPLICATE_READY = "duplicate_ready"
    STARTED_AGAIN = "started_again"
    DIED_AFTER_READY = "died_after_ready"
    UNCLEAN_STOP = "unclean_stop"
    LEFT_PROCESSES = "left_processes"
    LEFT_FILES = "left_files"


AT_THE_END = (Failure.UNCLEAN_STOP, Failure.LEFT_PROCESSES, Failure.LEFT_FILES)
"""What can only happen to a program that has done all that it was asked for."""


@dataclass(frozen=True, kw_only=True)
class LaunchSpec:
    """How to launch a program.

    Attributes:
        argv: The command; ``argv[0]`` is a path.
        env: Environment variables set on top of ``base_env``.
        base_env: The environment to start from; None for this process's own.
        cwd: Working folder; None for this process's own.
        ready: What means ready. In its address, in ``argv``, ``env`` and ``smoke``,
            ``{free_port}`` is a port that is free at the launch.
        ready_timeout_s: Seconds from launch to READY.
        stop_timeout_s: Seconds from the stop signal to the exit.
        settle_s: Seconds to stay after READY and watch, before the stop; None for as long as
            :func:`settle_s` says, and a look at the processes of the program then.
        smoke: Command run after READY; the launch is good only when it exits 0.
        smoke_cwd: Its working folder; None for this process's own.
        smoke_stdio: Connect it to the program: its stdin gets what the program writes to stdout
            after READY, its stdout is the program's stdin.
        private_tmp: Give the launch a temporary folder of its own and look there for leftovers.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    base_env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: Ready = field(default_factory=Ready)
    ready_timeout_s: float = 10.0
    stop_timeout_s: float = STOP_TIMEOUT_S
    settle_s: float | None = 0.0
    smoke: tuple[str, ...] = ()
    smoke_cwd: Path | None = None
    smoke_stdio: bool = False
    private_tmp: bool = True


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What one launch did. Times are milliseconds from just before the spawn.

    Attributes:
        failure: None for a good launch, else the first thing that went wrong.
        detail: The failure in words; empty for a good launch.
        pid: Process id of the program that was started; None when nothing was.
        boot_ms: When the first line that begins with ``BOOT`` arrived; None without one.
        ready_ms: When READY arrived; None without one.
        stop_ms: From the stop signal to the exit; None when no stop was asked for or none came.
        total_ms: From the spawn to the end of the search for leftovers.
        exit_code: Exit code; None when a signal ended it or it did not end by itself.
        exit_signal: Name of the signal that ended it; empty for none.
        processes_left: Command lines of processes that outlived the launch; they were ended.
        files_left: Files and folders left in the launch's temporary folder; they were removed.
        bytes_left: Bytes of those files.
        boots: How many lines BOOT came.
        same_program: Processes of the same program a moment after READY; None when nobody looked.
        again: Why it starts itself again, with the remedy; empty when nothing shows that it does.
        wrote_program: What it changed in the folder that it ships in; see
            :mod:`spike.launch.places`.
        wrote_cwd: What it left in its working folder.
        wrote_home: What it keeps in the user's home folder.
        stdout_tail: Last lines of its stdout, bounded.
        stderr_tail: Last lines of its stderr, bounded.
    """

    failure: Failure | None = None
    detail: str = ""
    pid: int | None = None
    boot_ms: float | None = None
    ready_ms: float | None = None
    stop_ms: float | None = None
    total_ms: float | None = None
    exit_code: int | None = None
    exit_signal: str = ""
    processes_left: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    bytes_left: int = 0
    boots: int = 0
    same_program: int | None = None
    again: str = ""
    wrote_program: tuple[str, ...] = ()
    wrote_cwd: tuple[str, ...] = ()
    wrote_home: tuple[str, ...] = ()
    stdout_tail: tuple[str, ...] = ()
    stderr_tail: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything from spawn to "nothing left" went as it should."""
        return self.failure is None

    @property
    def came_up(self) -> bool:
        """Whether it was ready, answered and stayed; its end may be amiss."""
        return self.failure is None or self.failure in AT_THE_END
