"""Runs a tool with its whole output in a log file, and keeps the end of it for a message.

Standard library only: it also runs in the packagers' own environments.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from spike.core import process
from spike.core.errors import StorageError

TAIL_LINES = 40
"""Lines of a tool's output that an error message shows."""

_LOOK_S = 0.1


def run(
    argv: Sequence[str],
    *,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    path_prefix: str | None = None,
    echo: bool = True,
    append: bool = False,
    timeout_s: float | None = None,
) -> process.Completed:
    """Print a command, run it with its output in a log file, and keep the end of that output.

    Args:
        argv: The command.
        log_path: Where the whole output goes, both streams in the order they came.
        env: Changes to the environment, not a whole one; printed with the command.
        cwd: Working folder.
        path_prefix: Folder put in front of PATH, as an activated environment would.
        echo: Show the output as it comes.
        append: Add to the log instead of starting it anew.
        timeout_s: After this it is ended, with its group; as long as it takes without one.

    Raises:
        MissingToolError: The program does not exist or cannot be executed.
        StorageError: The log cannot be written.
    """
    print(f"$ {process.shown(argv, env)}", flush=True)  # noqa: T201 - every command is shown before it runs
    full = {**os.environ, **(env or {})}
    if path_prefix:
        full["PATH"] = path_prefix + os.pathsep + full.get("PATH", os.defpath)
    started = time.monotonic()
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        log: IO[str] = log_path.open("a" if append else "w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(
            f"The log {log_path} cannot be written: {error.strerror}.",
            try_next="free some disk space, or check the rights of the folder",
        ) from None
    try:
        log.write(f"$ {process.shown(argv, env)}\n")
        child = process.spawn(
            argv,
            env=full,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        reading = _Reading(child, log, tail, echo=echo)
        reading.start()
        try:
            timed_out = _awaited(child, reading, timeout_s)
        except BaseException:
            process.end_group(child)
            raise
        finally:
            reading.close()
        if reading.problem:
            process.end_group(child)
    except BaseException:
        with contextlib.suppress(OSError):  # what has happened is more than that
            log.close()
        raise
    problem = reading.problem
    try:
        log.close()
    except OSError as error:
        problem = problem or _reason(error)
    if problem:
        raise StorageError(
            f"The output of {argv[0]} could not be kept in {log_path}: {problem}.",
            try_next="free some disk space and run the command again",
        )
    return process.Completed(
        argv=tuple(argv),
        exit_code=child.returncode,
        elapsed_s=time.monotonic() - started,
        output="".join(tail),
        timed_out=timed_out,
    )


class _Reading(threading.Thread):
    """Keeps what a tool says, line by line as it comes, until nobody can say more.

    Attributes:
        problem: Why it could not be kept; empty when it could.
    """

    def __init__(self, child: process.Popen, log: IO[str], tail: deque[str], *, echo: bool) -> None:
        super().__init__(daemon=True)
        assert child.stdout is not None
        self.problem = ""
        self._stream, self._log, self._tail, self._echo = child.stdout, log, tail, echo
        self._keeping, self._closed = threading.Lock(), False

    def run(self) -> None:
        """Read to the end; what comes after :meth:`close` is nobody's any more."""
        # A buffer over the raw pipe: without one every byte would be a read of its own.
        with self._stream, os.fdopen(self._stream.fileno(), "rb", closefd=False) as lines:
            for raw in lines:
                with self._keeping:
                    if self._closed:
                        return
                    try:
                        self._keep(raw.decode("utf-8", "replace"))
                    except (OSError, ValueError) as error:  # no room, or no such letter on stdout
                        self.problem = _reason(error)
                        return

    def _keep(self, line: str) -> None:
        self._log.write(line)
        self._tail.append(line)
        if self._echo:
            sys.stdout.write(line)
            sys.stdout.flush()

    def close(self) -> None:
        """Keep nothing more. What it still waits for is no concern of the program's end."""
        with self._keeping:
            self._closed = True


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _awaited(child: process.Popen, reading: _Reading, timeout_s: float | None) -> bool:
    """Wait for a tool's end and for all that it says; whether its time was up, and it was ended."""
    started = time.monotonic()
    ended: float | None = None
    timed_out = False
    while not reading.problem:
        reading.join(_LOOK_S)
        now = time.monotonic()
        if child.poll() is None:
            if timeout_s is not None and now - started > timeout_s:
                timed_out = True
                process.end_group(child)
            elif not reading.is_alive():  # it has closed its output, and goes on
                time.sleep(_LOOK_S)
            continue
        ended = ended or now
        if not reading.is_alive() or now - ended > process.PIPE_GRACE_S:
            break
    return timed_out
