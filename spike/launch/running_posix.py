"""A launched program under observation: spawn it, read what it says, wait, send signals."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import signal
import sys
import tempfile
import time
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from spike.core import process
from spike.launch import ready
from spike.launch.places import remove_tree
from spike.launch.spec import MARK, TEMPORARY, Failure, Launch, LaunchSpec
from spike.launch.streams import TAIL_LINES, Line, Sink, Stream

MOST_READS = 32
"""So many reads follow a condition that is met; a program that floods us would never let us go."""

BAD_EXE_FORMAT = 193
"""What Windows says of a file that is no program (winerror.h); it has no right to execute."""


class RunningOnPosix:
    """A launched program under observation. Use as a context manager: it never outlives the block.

    The benchmarks use :func:`spike.launch.launcher.launch`; fault cases drive this class step by
    step. Every wait has a bound, and no wait depends on a pipe being closed: a grandchild may hold
    it.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        self.spec = spec
        self.mark = uuid.uuid4().hex
        self.tmp: Path | None = None
        self.lines: list[Line] = []
        self.boot_ms: float | None = None
        self.ready_ms: float | None = None
        self.ready_count = 0
        self.boots = 0
        self._boot_word: list[str] = []
        self.same_program: int | None = None
        self.stop_ms: float | None = None
        self.failure: Failure | None = None
        self.detail = ""
        self._popen: process.Child | None = None
        self._pidfd = -1
        self._selector = selectors.DefaultSelector()
        self._streams: dict[int, Stream] = {}
        self._ready = spec.ready
        self.free_port: int | None = None
        self.listener: Sink | None = None  # what gets the program's stdout as well
        self.on_line: Callable[[Line], None] | None = None  # told of each, also of those not kept

    def __enter__(self) -> Self:
        """Start the program; a spawn that fails is recorded in ``failure``."""
        environment = dict(os.environ if self.spec.base_env is None else self.spec.base_env)
        if self.spec.base_env is None:
            # Images and our own tool switch compiled modules off. A plain script that compiles its
            # own at every launch would flatter the packaged programs beside it.
            environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment.update(self.spec.env)
        environment[MARK] = self.mark
        if self.spec.private_tmp:
            self.tmp = Path(tempfile.mkdtemp(prefix="spike-launch-"))
            # Kept after the block, because what is left in it is looked at then; gone with us.
            weakref.finalize(self, remove_tree, self.tmp)
            environment.update(dict.fromkeys(TEMPORARY, str(self.tmp)))
        argv = self.spec.argv
        self.started_ns = time.perf_counter_ns()
        if ready.asks_for_port(argv, self.spec.env):
            self.free_port = ready.free_port()
            argv = tuple(ready.filled(word, self.free_port) for word in argv)
            environment = {
                key: ready.filled(value, self.free_port) for key, value in environment.items()
            }
        url = ready.filled(self.spec.ready.url, self.free_port)
        self._ready = dataclasses.replace(self.spec.ready, url=url)
        if url and ready.listens(url):
            self.fail(
                Failure.SPAWN_FAILED,
                f"somebody answers at {url} before the launch, who would be taken for the program",
            )
            return self
        self.started_ns = time.perf_counter_ns()
        try:
            self._popen = self._start(argv, environment)
        except OSError as error:
            self.fail(_spawn_failure(error), f"{argv[0]}: {error.strerror}")
            return self
        try:
            self._listen(self._popen)
        except BaseException:
            # A with statement does not leave what it could not enter.
            self._close()
            raise
        return self

    def _start(self, argv: Sequence[str], environment: Mapping[str, str]) -> process.Child:
        return process.measured(argv, env=environment, cwd=self.spec.cwd)

    def _listen(self, child: process.Child) -> None:
        self.started_ns = child.spawn_ns
        for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr)):
            os.set_blocking(pipe.fileno(), False)
            self._streams[pipe.fileno()] = Stream(name, self.started_ns)
            self._selector.register(pipe, selectors.EVENT_READ)
        if sys.platform == "linux":
            # The exit wakes the same select as the pipes do. Elsewhere _pump polls for it.
            self._pidfd = os.pidfd_open(child.pid)
            self._selector.register(self._pidfd, selectors.EVENT_READ)
        if child.early:
            self._take(self._streams[child.stdout.fileno()], child.early, child.early_ns)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what still runs in the program's group and close every handle."""
        self._close()

    def _close(self) -> None:
        if self._popen is not None:
            if self._popen.poll() is None:
                process.kill_group(self._popen.pid)
                self._popen.wait()
            for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
                if pipe is not None:
                    # stdin may hold unread data whose reader is gone
                    with contextlib.suppress(OSError):
                        pipe.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._selector.close()

    @property
    def pid(self) -> int | None:
        """Process id of the program that was started, which a host would hold."""
        return self._popen.pid if self._popen else None

    @property
    def exited(self) -> bool:
        """Whether the started program is gone (its children may not be)."""
        return self._popen is None or self._popen.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """Exit code; None while it runs, or when a signal ended it."""
        code = self._popen.poll() if self._popen else None
        return code if code is not None and code >= 0 else None

    @property
    def exit_signal(self) -> str:
        """Name of the signal that ended it; empty otherwise."""
        code = self._popen.poll() if self._popen else None
        return signal.Signals(-code).name if code is not None and code < 0 else ""

    def now_ms(self) -> float:
        """Milliseconds since just before the spawn."""
        return (time.perf_counter_ns() - self.started_ns) / 1e6

    def wait_ready(self) -> bool:
        """Wait for READY, the exit or the timeout, whichever is first; True for READY."""
        if self._popen is None:
            return False
        instead = ""
        if self._ready.url:
            instead = self._wait_for_answer()
        else:
            # The exit may be seen before the last lines are read: pump reads once more after it.
            self.pump(lambda: self.ready_ms is not None or self.exited, self.spec.ready_timeout_s)
        if self.ready_ms is not None:
            return True
        if self.exited:
            self.fail(Failure.EXITED_BEFORE_READY, f"{self.exit_text()} before READY")
        else:
            self.fail(
                Failure.READY_TIMEOUT,
                f"{self._ready} within {self.spec.ready_timeout_s:g} s{instead}",
            )
        return False

    def _wait_for_answer(self) -> str:
        """Ask the address until it answers, while both pipes are read on; say what it does not."""
        asking = ready.Asking(self._ready.url)
        deadline = time.monotonic() + self.spec.ready_timeout_s
        asking.start()
        try:
            while not (self.exited or asking.answered_ns) and time.monotonic() < deadline:
                self.pump(lambda: self.exited or bool(asking.answered_ns), ready.ASK_EVERY_S)
        finally:
            asking.stop()
        if asking.answered_ns and not self.exited:
            self.ready_count = 1
            self.ready_ms = (asking.answered_ns - self.started_ns) / 1e6
        return f" but {asking.status}, and 200 to 399 mean ready" if asking.status else ""

    def look_ready(self) -> bool:
        """Whether READY has come by now; an address is asked, once."""
        asked = self.ready_ms is None and self._ready.url and not self.exited
        if asked and ready.answers(self._ready.url):
            self.ready_count = 1
            self.ready_ms = self.now_ms()
        return self.ready_ms is not None

    def watch(self, seconds: float) -> None:
        """Keep reading for some time, or until the program exits."""
        self.pump(lambda: self.exited, seconds)

    def send(self, number: int) -> None:
        """Send a signal to the process that a host would hold, and to it alone."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

    def ask_to_stop(self, number: int = signal.SIGTERM) -> str:
        """Ask it to stop as a host of this platform does, and say in words how.

        Args:
            number: The signal that asks, where there are signals.
        """
        self.send(number)
        return signal.Signals(number).name

    def kill(self) -> None:
        """SIGKILL its process group and collect the exit code."""
        if self._popen is not None:
            process.kill_group(self._popen.pid)
            self._popen.wait()

    def stdin_descriptor(self) -> int:
        """The pipe to its stdin, for a program that is to write there."""
        assert self._popen is not None
        assert self._popen.stdin is not None
        return self._popen.stdin.fileno()

    def write_stdin(self, data: bytes) -> None:
        """Write to its stdin."""
        if self._popen is not None and self._popen.stdin is not None:
            self._popen.stdin.write(data)

    def close_stdin(self) -> None:
        """Close its stdin: end of file."""
        if self._popen is not None and self._popen.stdin is not None:
            with contextlib.suppress(OSError):
                self._popen.stdin.close()

    def close_output(self, name: str) -> None:
        """Close our end of its ``stdout`` or ``stderr``: its reader goes away."""
        for fd, stream in list(self._streams.items()):
            if stream.name != name or not stream.open:
                continue
            stream.end(time.perf_counter_ns())
            self._selector.unregister(fd)
            pipe = getattr(self._popen, name)
            pipe.close()

    def leave_unread(self, name: str, room_bytes: int) -> None:
        """Read its ``stdout`` or ``stderr`` no more, in a pipe that holds so much (Linux).

        Args:
            name: Which stream.
            room_bytes: What the program can still write; the kernel makes it one page at least.
        """
        import fcntl

        self.pump(lambda: True, 0)
        for fd, stream in self._streams.items():
            if stream.name == name and stream.open:
                self._selector.unregister(fd)
                # Refused for a pipe that holds more by now: then it is as full as it gets.
                with contextlib.suppress(OSError):
                    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, room_bytes)

    def unread_bytes(self, name: str) -> int:
        """Bytes that wait in the pipe of its ``stdout`` or ``stderr``; nothing is read."""
        import fcntl
        import termios

        for fd, stream in self._streams.items():
            if stream.name == name and stream.open:
                answer = fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4)
                return int.from_bytes(answer, sys.byteorder)
        return 0

    def wait_exit(self, timeout_s: float) -> bool:
        """Wait for the exit of the started program; False when the time was up first."""
        return self.pump(lambda: self.exited, timeout_s)

    def pump(self, until: Callable[[], bool], timeout_s: float) -> bool:
        """Read both pipes until a condition holds; False when the time was up first."""
        deadline = time.monotonic() + timeout_s
        reads_left = MOST_READS
        while True:
            met = until()
            reads_left -= met
            remaining = deadline - time.monotonic()
            wait_s = 0.0 if met else max(0.0, remaining)
            if self._pidfd < 0:
                wait_s = min(wait_s, 0.002)
            ready = self._selector.select(wait_s)
            at_ns = time.perf_counter_ns()
            for key, _events in ready:
                assert isinstance(key.fd, int)
                if key.fd == self._pidfd:
                    # Readable for ever once the program is gone: poll() remembers it for us.
                    self._selector.unregister(key.fileobj)
                    assert self._popen is not None
                    self._popen.poll()
                else:
                    self._read(key.fd, key.fileobj, at_ns)
            if met and not (reads_left and any(key.fd != self._pidfd for key, _ in ready)):
                return True
            if not met and remaining <= 0:
                return until()

    def result(self) -> Launch:
        """Everything seen so far, as a value."""
        tails = {stream.name: stream.tail() for stream in self._streams.values()}
        return Launch(
            failure=self.failure,
            detail=self.detail,
            pid=self.pid,
            boot_ms=self.boot_ms,
            ready_ms=self.ready_ms,
            stop_ms=self.stop_ms,
            total_ms=self.now_ms(),
            exit_code=self.exit_code,
            exit_signal=self.exit_signal,
            boots=self.boots,
            same_program=self.same_program,
            stdout_tail=tails.get("stdout", ()),
            stderr_tail=tails.get("stderr", ()),
        )

    def open_streams(self) -> tuple[str, ...]:
        """Names of the pipes that have not reached their end: somebody still holds them."""
        return tuple(stream.name for stream in self._streams.values() if stream.open)

    def fields(self) -> dict[str, str]:
        """The ``key=value`` words of the stdout lines seen, the last one of a key winning.

        The free port that the program was handed is among them.
        """
        port = {} if self.free_port is None else {"free_port": str(self.free_port)}
        return port | {
            key: value
            for line in self.lines
            for key, separator, value in (word.partition("=") for word in line.text.split())
            if separator
        }

    def _read(self, fd: int, pipe: object, at_ns: int) -> None:
        stream = self._streams[fd]
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            stream.end(at_ns)
            self._selector.unregister(fd)
            return
        self._take(stream, data, at_ns)

    def _take(self, stream: Stream, data: bytes, at_ns: int) -> None:
        if self.listener is not None and stream.name == "stdout":
            # A smoke command that stops listening ends by itself; its exit code tells.
            with contextlib.suppress(OSError):
                self.listener.write(data)
        for line in stream.feed(data, at_ns):
            self._heard(line)

    def _heard(self, line: Line) -> None:
        if self.on_line is not None:
            self.on_line(line)
        if line.stream == "stdout" and len(self.lines) < TAIL_LINES:
            self.lines.append(line)
        if self._ready.heard(line.stream, line.text):
            self.ready_count += 1
            if self.ready_ms is None:
                self.ready_ms = line.at_ms
            else:
                self.fail(Failure.DUPLICATE_READY, f"{line.text} came again")
        elif line.stream != "stdout":
            return
        elif line.text.startswith("BOOT "):
            if self.boot_ms is None:
                self.boot_ms = line.at_ms
                self._boot_word = line.text.split()[1:2]
            # A second line of the same words; one that says something else is no second start.
            self.boots += line.text.split()[1:2] == self._boot_word

    def fail(self, failure: Failure, detail: str) -> None:
        """Record what went wrong; the first failure counts."""
        if self.failure is None:
            self.failure = failure
            self.detail = detail

    def exit_text(self) -> str:
        """How the started program ended, in words."""
        if self.exit_signal:
            return f"killed by {self.exit_signal}"
        return f"exited with {self.exit_code}"


def _spawn_failure(error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failure.NOT_FOUND
    if isinstance(error, PermissionError) or getattr(error, "winerror", None) == BAD_EXE_FORMAT:
        return Failure.NOT_EXECUTABLE
    return Failure.SPAWN_FAILED
