"""A launched program under observation on Windows: a job, a thread for each pipe, one for the end.

There a program is started so that it waits, is put into a job object, and runs only then: nothing
that it starts can be outside. Pipes cannot be waited for together, so a thread reads each of them
and stamps what it has read with the time. There are no signals: who wants a stop closes the
program's stdin, and ends the job when that is not obeyed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import cast

from spike.core import process, windows
from spike.launch import procs_windows
from spike.launch.running_posix import RunningOnPosix
from spike.launch.spec import LaunchSpec
from spike.launch.streams import Stream

MOST_CHUNKS = 64
"""So many reads wait at most to be looked at; then the pipe fills, and the program waits."""

LAST_WORDS_S = 0.1
"""How long the end of a program waits for what its pipes still hold; a child may keep them open."""

CLOSE_S = 1.0
"""How long a pipe's reader may take to see the end; then its pipe is left to it."""

END_OF_STDIN = "the end of its stdin"


class WindowsChild(process.Child):
    """A program under measurement, started in a job; see the class that it stands in for."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        """Start it.

        Args:
            argv: The command; ``argv[0]`` is a path.
            env: The whole environment.
            cwd: Working folder; None for this process's own.

        Raises:
            OSError: It cannot be started; nothing is left open.
        """
        self.returncode = None
        self.early = b""
        self.spawn_ns = time.perf_counter_ns()
        pipe = subprocess.PIPE
        self._popen = process.start(argv, env=env, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe)
        self.early_ns = time.perf_counter_ns()
        self.pid = self._popen.pid
        # Unbuffered pipes are raw files.
        self.stdin = cast(FileIO, self._popen.stdin)
        self.stdout = cast(FileIO, self._popen.stdout)
        self.stderr = cast(FileIO, self._popen.stderr)

    @property
    def job(self) -> windows.Job:
        """What it and all that it starts are in."""
        job = windows.job_of(self._popen)
        assert job is not None
        return job

    def poll(self) -> int | None:
        """Its exit code if it is gone; None while it runs."""
        self.returncode = self._popen.poll()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end, for as long as that takes."""
        self.returncode = self._popen.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """End it alone; there is nothing else to send."""
        if number != process.KILL:
            raise ValueError(f"Windows has no signal {number}")
        if self.poll() is None:
            with contextlib.suppress(OSError):
                self._popen.kill()


class RunningOnWindows(RunningOnPosix):
    """What differs on Windows; both are asked in the same way, as ``spike.launch.running``."""

    def __init__(self, spec: LaunchSpec) -> None:
        super().__init__(spec)
        self._chunks: queue.Queue[tuple[int, bytes, int] | None] = queue.Queue(MOST_CHUNKS)
        self._readers: dict[int, threading.Thread] = {}
        self._ended = threading.Event()
        self._closing = threading.Event()

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> process.Child:
        child = WindowsChild(argv, env=environment, cwd=self.spec.cwd)
        procs_windows.remember(self.mark, child.job)
        return child

    def _listen(self, child: process.Child) -> None:
        self.started_ns = child.spawn_ns
        for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr)):
            descriptor = pipe.fileno()
            self._streams[descriptor] = Stream(name, self.started_ns)
            reader = threading.Thread(target=self._read_on, args=(descriptor,), daemon=True)
            self._readers[descriptor] = reader
            reader.start()
        threading.Thread(target=self._await_end, args=(child,), daemon=True).start()
        if child.early:
            self._take(self._streams[child.stdout.fileno()], child.early, child.early_ns)

    def _read_on(self, descriptor: int) -> None:
        """Read a pipe to its end, in a thread of its own."""
        while True:
            try:
                data = os.read(descriptor, 65536)
            except OSError:
                data = b""
            at_ns = time.perf_counter_ns()
            while not self._closing.is_set():
                with contextlib.suppress(queue.Full):
                    self._chunks.put((descriptor, data, at_ns), timeout=LAST_WORDS_S)
                    break
            if not data or self._closing.is_set():
                return

    def _await_end(self, child: process.Child) -> None:
        """Wait for the program's exit, then for what it has said last, in a thread of its own."""
        child.wait()
        deadline = time.monotonic() + LAST_WORDS_S
        for reader in self._readers.values():
            reader.join(max(0.0, deadline - time.monotonic()))
        self._ended.set()
        with contextlib.suppress(queue.Full):  # then somebody wakes up without it
            self._chunks.put_nowait(None)

    @property
    def exited(self) -> bool:
        """Whether the started program is gone, and what it has said last is there to be read."""
        return self._popen is None or self._ended.is_set()

    def pump(self, until: Callable[[], bool], timeout_s: float) -> bool:
        """Take what the pipes gave until a condition holds; False when the time was up first."""
        deadline = time.monotonic() + timeout_s
        while True:
            met = until()
            remaining = deadline - time.monotonic()
            self._take_waiting(0.0 if met else max(0.0, remaining))
            if met:
                return True
            if remaining <= 0:
                return until()

    def _take_waiting(self, wait_s: float) -> None:
        """Take what was read by now; with nothing there, wait for the first of it."""
        with contextlib.suppress(queue.Empty):
            if wait_s > 0:
                self._accept(self._chunks.get(timeout=wait_s))
            # No more than is there: a flood would hold up whoever looks at it.
            for _ in range(self._chunks.qsize()):
                self._accept(self._chunks.get_nowait())

    def _accept(self, chunk: tuple[int, bytes, int] | None) -> None:
        """Look at what a thread has read; None only wakes who waits."""
        if chunk is None:
            return
        descriptor, data, at_ns = chunk
        stream = self._streams[descriptor]
        if not stream.open:
            return
        if data:
            self._take(stream, data, at_ns)
        else:
            stream.end(at_ns)

    def send(self, number: int) -> None:
        """End the process that a host would hold, and it alone; anything else asks it to stop."""
        if number == process.KILL:
            super().send(number)
        else:
            self.close_stdin()

    def ask_to_stop(self, number: int = 0) -> str:
        """Close its stdin, which a sidecar watches; see the base class."""
        self.close_stdin()
        return END_OF_STDIN

    def close_output(self, name: str) -> None:
        """Close our end of its ``stdout`` or ``stderr``: its reader goes away."""
        for descriptor, stream in self._streams.items():
            if stream.name == name and stream.open:
                stream.end(time.perf_counter_ns())
                reader = self._readers[descriptor]
                deadline = time.monotonic() + CLOSE_S
                while reader.is_alive() and time.monotonic() < deadline:
                    windows.cancel_reads(descriptor)
                    # What it has read meanwhile is nobody's any more.
                    self._take_waiting(0.0)
                    reader.join(0.005)
                if not reader.is_alive():
                    getattr(self._popen, name).close()

    def leave_unread(self, name: str, room_bytes: int) -> None:
        """Not to be had: a thread reads at once what is written."""
        raise NotImplementedError("on Windows a thread reads each pipe")

    def unread_bytes(self, name: str) -> int:
        """Not to be had: a thread reads at once what is written."""
        raise NotImplementedError("on Windows a thread reads each pipe")

    def exit_text(self) -> str:
        """How the started program ended, in words."""
        code = self.exit_code
        return f"exited with {code if code is None else windows.code_text(code)}"

    def _close(self) -> None:
        child = self._popen
        if child is not None:
            if child.poll() is None:
                process.kill_group(child.pid)
                child.wait()
            # The thread that waits for it may not have been told yet.
            self._ended.wait(CLOSE_S)
            self._closing.set()
            with contextlib.suppress(OSError):
                child.stdin.close()
            deadline = time.monotonic() + CLOSE_S
            for descriptor, reader in self._readers.items():
                while reader.is_alive() and time.monotonic() < deadline:
                    # A child that lives on keeps the pipe open: the reader is woken up.
                    windows.cancel_reads(descriptor)
                    reader.join(0.005)
            for descriptor, pipe in zip(self._readers, (child.stdout, child.stderr), strict=False):
                # Closing a pipe that a thread reads would wait for the thread.
                if not pipe.closed and not self._readers[descriptor].is_alive():
                    with contextlib.suppress(OSError):
                        pipe.close()
        self._selector.close()
