"""Launch a program, wait for READY, ask it to stop, and look for what it leaves behind.

One launcher for every benchmark and every fault case. A launch that fails is data
(:class:`Launch`), never an exception. The clock starts before the spawn and is read when the pipe
delivers the READY line; nothing, no shell and no helper, stands between.

The core needs the standard library only, so that a build can measure its first launch from inside
a packager's environment; the search for leftovers is :mod:`spike.launch.leftovers`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from spike.core import process
from spike.core.errors import MissingToolError, UsageError

MARK = "SPIKE_LAUNCH_MARK"
"""Environment variable with a value unique to one launch; whoever carries it, came from it."""

TAIL_LINES = 50
TAIL_BYTES = 16 * 1024
"""Bounds of what is kept of each stream: lines, and bytes of all of them together."""

MAX_LINE_BYTES = 4096
"""A longer line is kept cut; READY is never that long."""

STOP_TIMEOUT_S = 10.0
"""Grace after the stop signal. Nuitka's onefile parent itself waits 5 s for its child."""

SMOKE_TIMEOUT_S = 30.0
"""A smoke command that takes longer has failed."""

LEFTOVER_TIMEOUT_S = 2.0
"""Nuitka's onefile child notices its parent's end by a poll each second; then it must be gone."""


class Failure(StrEnum):
    """Kinds of failed launch, in the order in which they can happen."""

    NOT_FOUND = "not_found"
    NOT_EXECUTABLE = "not_executable"
    SPAWN_FAILED = "spawn_failed"
    EXITED_BEFORE_READY = "exited_before_ready"
    READY_TIMEOUT = "ready_timeout"
    SMOKE_FAILED = "smoke_failed"
    DUPLICATE_READY = "duplicate_ready"
    DIED_AFTER_READY = "died_after_ready"
    UNCLEAN_STOP = "unclean_stop"
    LEFT_PROCESSES = "left_processes"
    LEFT_FILES = "left_files"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line that a program wrote.

    Attributes:
        stream: ``stdout`` or ``stderr``.
        at_ms: Milliseconds from the launch to the read that completed it.
        text: The line without its end, decoded leniently, cut at :data:`MAX_LINE_BYTES`.
    """

    stream: str
    at_ms: float
    text: str


@dataclass(frozen=True, kw_only=True)
class LaunchSpec:
    """How to launch a program.

    Attributes:
        argv: The command; ``argv[0]`` is a path.
        env: Environment variables set on top of ``base_env``.
        base_env: The environment to start from; None for this process's own.
        cwd: Working folder; None for this process's own.
        ready: The line that says "ready".
        ready_timeout_s: Seconds from launch to READY.
        stop_timeout_s: Seconds from the stop signal to the exit.
        settle_s: Seconds to stay after READY and watch, before the stop.
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
    ready: str = "READY"
    ready_timeout_s: float = 10.0
    stop_timeout_s: float = STOP_TIMEOUT_S
    settle_s: float = 0.0
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
    stdout_tail: tuple[str, ...] = ()
    stderr_tail: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything from spawn to "nothing left" went as it should."""
        return self.failure is None


class _Stream:
    """One pipe: whole lines out of raw reads, with bounded memory."""

    def __init__(self, name: str, started_ns: int) -> None:
        self.name = name
        self.lines: deque[Line] = deque()
        self.open = True
        self._started_ns = started_ns
        self._kept_bytes = 0
        self._partial = b""
        self._overlong = False

    def feed(self, data: bytes, at_ns: int) -> list[Line]:
        """Take what a read returned and give the lines that it completed."""
        at_ms = (at_ns - self._started_ns) / 1e6
        *whole, rest = (self._partial + data).split(b"\n")
        lines = [self._line(raw, at_ms) for raw in whole]
        if len(rest) > MAX_LINE_BYTES:
            # Only the start of an overlong line is kept, so a flood costs no memory.
            rest = rest[: MAX_LINE_BYTES + 1]
        self._partial = rest
        return lines

    def end(self, at_ns: int) -> list[Line]:
        """The pipe is closed: what stands without a line end was no whole line, but is kept."""
        self.open = False
        if self._partial:
            self._keep(self._decode(self._partial), (at_ns - self._started_ns) / 1e6)
            self._partial = b""
        return []

    def tail(self) -> tuple[str, ...]:
        """The last lines, within the bounds, and what stands unfinished behind them."""
        texts = [line.text for line in self.lines]
        if self._partial:
            texts.append(self._decode(self._partial))
        return tuple(texts)

    def _line(self, raw: bytes, at_ms: float) -> Line:
        return self._keep(self._decode(raw.removesuffix(b"\r")), at_ms)

    def _decode(self, raw: bytes) -> str:
        text = raw[:MAX_LINE_BYTES].decode("utf-8", "backslashreplace")
        return text + " [cut]" if len(raw) > MAX_LINE_BYTES else text

    def _keep(self, text: str, at_ms: float) -> Line:
        line = Line(stream=self.name, at_ms=at_ms, text=text)
        self.lines.append(line)
        self._kept_bytes += len(text)
        while len(self.lines) > TAIL_LINES or self._kept_bytes > TAIL_BYTES:
            self._kept_bytes -= len(self.lines.popleft().text)
        return line


class Running:
    """A launched program under observation. Use as a context manager: it never outlives the block.

    The benchmarks use :func:`launch`; fault cases drive this class step by step. Every wait has a
    bound, and no wait depends on a pipe being closed: a grandchild may hold it.
    """

    def __init__(self, spec: LaunchSpec) -> None:
        if os.name != "posix":
            raise UsageError(
                "Launches can be measured on Linux and macOS only.",
                why="On Windows the builds and the Tauri host work; the launcher does not yet.",
            )
        self.spec = spec
        self.mark = uuid.uuid4().hex
        self.tmp: Path | None = None
        self.lines: list[Line] = []
        self.boot_ms: float | None = None
        self.ready_ms: float | None = None
        self.ready_count = 0
        self.stop_ms: float | None = None
        self.failure: Failure | None = None
        self.detail = ""
        self._popen: process.Child | process.Popen | None = None
        self._pidfd = -1
        self._selector = selectors.DefaultSelector()
        self._streams: dict[int, _Stream] = {}
        self._ready_line = spec.ready
        self._listener: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the program; a spawn that fails is recorded in ``failure``."""
        environment = dict(os.environ if self.spec.base_env is None else self.spec.base_env)
        environment.update(self.spec.env)
        environment[MARK] = self.mark
        if self.spec.private_tmp:
            self.tmp = Path(tempfile.mkdtemp(prefix="spike-launch-"))
            # Kept after the block, because what is left in it is looked at then; gone with us.
            weakref.finalize(self, remove_tree, self.tmp)
            environment["TMPDIR"] = str(self.tmp)
        argv = self.spec.argv
        self.started_ns = time.perf_counter_ns()
        try:
            self._popen = process.measured(argv, env=environment, cwd=self.spec.cwd)
        except OSError as error:
            self._fail(_spawn_failure(error), f"{argv[0]}: {error.strerror}")
            return self
        try:
            self._listen(self._popen)
        except BaseException:
            # A with statement does not leave what it could not enter.
            self._close()
            raise
        return self

    def _listen(self, child: process.Child | process.Popen) -> None:
        if isinstance(child, process.Child):
            self.started_ns = child.spawn_ns
        assert child.stdout is not None
        assert child.stderr is not None
        for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr)):
            os.set_blocking(pipe.fileno(), False)
            self._streams[pipe.fileno()] = _Stream(name, self.started_ns)
            self._selector.register(pipe, selectors.EVENT_READ)
        if sys.platform == "linux":
            # The exit wakes the same select as the pipes do. Elsewhere _pump polls for it.
            self._pidfd = os.pidfd_open(child.pid)
            self._selector.register(self._pidfd, selectors.EVENT_READ)
        if isinstance(child, process.Child) and child.early:
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
        # The exit may be seen before the last lines are read: _pump reads once more after it.
        self.pump(lambda: self.ready_ms is not None or self.exited, self.spec.ready_timeout_s)
        if self.ready_ms is not None:
            return True
        if self.exited:
            self._fail(Failure.EXITED_BEFORE_READY, f"{self._exit_text()} before READY")
        else:
            self._fail(
                Failure.READY_TIMEOUT,
                f"no line {self.spec.ready!r} within {self.spec.ready_timeout_s:g} s",
            )
        return False

    def watch(self, seconds: float) -> None:
        """Keep reading for some time, or until the program exits."""
        self.pump(lambda: self.exited, seconds)

    def send(self, number: int) -> None:
        """Send a signal to the process that a host would hold, and to it alone."""
        if self._popen is not None and self._popen.poll() is None:
            self._popen.send_signal(number)

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

    def stop(self, number: int = signal.SIGTERM) -> bool:
        """Ask for the stop and wait for it; what does not stop in time is killed, and has failed.

        Returns:
            Whether it exited with 0 after a stop that was asked for.
        """
        if self._popen is None:
            return False
        self.pump(lambda: True, 0)
        if self.exited:
            self._fail(Failure.DIED_AFTER_READY, f"{self._exit_text()} before it was asked to")
            return False
        asked_ns = time.perf_counter_ns()
        self.send(number)
        if not self.wait_exit(self.spec.stop_timeout_s):
            self._fail(
                Failure.UNCLEAN_STOP,
                f"still running {self.spec.stop_timeout_s:g} s after {signal.Signals(number).name}",
            )
            process.kill_group(self._popen.pid)
            self._popen.wait()
            return False
        self.stop_ms = (time.perf_counter_ns() - asked_ns) / 1e6
        if self._popen.returncode != 0:
            self._fail(
                Failure.UNCLEAN_STOP,
                f"{self._exit_text()} after {signal.Signals(number).name}",
            )
            return False
        return True

    def smoke(self) -> bool:
        """Run the smoke command while both pipes are read on; True when it exits 0 in time."""
        spec = self.spec
        try:
            argv = [word.format_map(self.fields()) for word in spec.smoke]
        except (LookupError, ValueError) as error:
            self._fail(
                Failure.SMOKE_FAILED,
                f"the smoke command needs the field {error}, and no key=value word of the "
                "sidecar's stdout gave it",
            )
            return False
        if argv[0] in ("python", "python3"):
            argv[0] = sys.executable
        assert self._popen is not None
        assert self._popen.stdin is not None
        with tempfile.TemporaryFile() as said:
            try:
                command = process.spawn(
                    argv,
                    env=os.environ,
                    cwd=spec.smoke_cwd,
                    stdin=subprocess.PIPE if spec.smoke_stdio else subprocess.DEVNULL,
                    stdout=self._popen.stdin.fileno() if spec.smoke_stdio else said.fileno(),
                    stderr=said.fileno(),
                )
            except MissingToolError as error:
                self._fail(Failure.SMOKE_FAILED, f"the smoke command: {error.what}")
                return False
            self._listener = command.stdin
            if command.stdin is not None:
                os.set_blocking(command.stdin.fileno(), False)
            deadline = time.monotonic() + SMOKE_TIMEOUT_S
            try:
                while command.poll() is None and time.monotonic() < deadline and not self.exited:
                    self.pump(lambda: self.exited or command.poll() is not None, 0.005)
            finally:
                self._listener = None
                timed_out = command.poll() is None
                if timed_out:
                    process.kill_group(command.pid)
                command.wait()
                if command.stdin is not None:
                    command.stdin.close()
            if command.returncode == 0 or self.exited:
                return not self.exited  # a program that died is what stop() reports
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        if timed_out:
            end = f"took over {SMOKE_TIMEOUT_S:g} s"
        elif command.returncode < 0:
            end = f"was killed by {signal.Signals(-command.returncode).name}"
        else:
            end = f"exited with {command.returncode}"
        shown = process.shown(["python" if word == sys.executable else word for word in argv])
        self._fail(
            Failure.SMOKE_FAILED, f"the smoke command {shown} {end}: {(last or ['no output'])[0]}"
        )
        return False

    def pump(self, until: Callable[[], bool], timeout_s: float) -> bool:
        """Read both pipes until a condition holds; False when the time was up first."""
        deadline = time.monotonic() + timeout_s
        while True:
            met = until()
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
            if met and not any(key.fd != self._pidfd for key, _ in ready):
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
            stdout_tail=tails.get("stdout", ()),
            stderr_tail=tails.get("stderr", ()),
        )

    def open_streams(self) -> tuple[str, ...]:
        """Names of the pipes that have not reached their end: somebody still holds them."""
        return tuple(stream.name for stream in self._streams.values() if stream.open)

    def fields(self) -> dict[str, str]:
        """The ``key=value`` words of the stdout lines seen, the last one of a key winning."""
        return {
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

    def _take(self, stream: _Stream, data: bytes, at_ns: int) -> None:
        if self._listener is not None and stream.name == "stdout":
            # A smoke command that stops listening ends by itself; its exit code tells.
            with contextlib.suppress(OSError):
                self._listener.write(data)
        for line in stream.feed(data, at_ns):
            if stream.name == "stdout":
                self._heard(line)

    def _heard(self, line: Line) -> None:
        if len(self.lines) < TAIL_LINES:
            self.lines.append(line)
        if line.text == self._ready_line:
            self.ready_count += 1
            if self.ready_ms is None:
                self.ready_ms = line.at_ms
            else:
                self._fail(Failure.DUPLICATE_READY, f"{self._ready_line} came again")
        elif self.boot_ms is None and line.text.startswith("BOOT "):
            self.boot_ms = line.at_ms

    def _fail(self, failure: Failure, detail: str) -> None:
        if self.failure is None:
            self.failure = failure
            self.detail = detail

    def _exit_text(self) -> str:
        if self.exit_signal:
            return f"killed by {self.exit_signal}"
        return f"exited with {self.exit_code}"


def _spawn_failure(error: OSError) -> Failure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Failure.NOT_FOUND
    if isinstance(error, PermissionError):
        return Failure.NOT_EXECUTABLE
    return Failure.SPAWN_FAILED


Inspector = Callable[[Launch, str, Path | None], Launch]
"""Looks for what a launch left behind: takes the launch, its mark and its temporary folder."""


def launch(
    spec: LaunchSpec,
    *,
    inspect: Inspector | None = None,
    at_ready: Callable[[Running], None] | None = None,
) -> Launch:
    """One whole life: spawn, READY, a requested stop, and "nothing left".

    Args:
        spec: What to launch.
        inspect: Looks for leftovers, see :func:`spike.launch.leftovers.inspect`; None to skip that.
        at_ready: Looks at the running program once READY has come; no clock runs meanwhile.

    Returns:
        The launch, failed or not. It raises nothing for a program's misbehaviour.
    """
    running = Running(spec)
    try:
        with running:
            if running.wait_ready():
                if at_ready is not None:
                    at_ready(running)
                if spec.settle_s:
                    running.watch(spec.settle_s)
                if spec.smoke and running.failure is None:
                    running.smoke()
                running.stop()
            elif running.pid is not None and not running.exited:
                process.kill_group(running.pid)
                running.wait_exit(1.0)
            result = running.result()
        if inspect is not None:
            result = inspect(result, running.mark, running.tmp)
            result = replace(result, total_ms=running.now_ms())
        return result
    finally:
        if running.tmp is not None:
            remove_tree(running.tmp)


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours; what cannot be removed is left, never an error."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def environment_without(names: Sequence[str]) -> dict[str, str]:
    """This process's environment without some variables."""
    return {key: value for key, value in os.environ.items() if key not in names}
