"""The one module that starts processes: tools, and the programs that are measured.

Standard library only: it also runs in the packagers' own environments.
"""

from __future__ import annotations

import contextlib
import functools
import os
import select
import shlex
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.core import posix_spawn, windows
from spike.core.errors import MissingToolError

Popen = subprocess.Popen[bytes]

PIPE_GRACE_S = 5.0
"""What a tool leaves running may hold its output open: so long after its end that is waited for."""

EARLY_MS = 2
"""How long a start listens for a very quick program before it prepares for a long one."""

_BACK_TO_DEFAULT = tuple(
    getattr(signal, name)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGHUP", "SIGINT", "SIGQUIT")
    if hasattr(signal, name)
)
"""What Python ignores, and what a shell ignores in its background or under nohup.

A program inherits that: it would never notice a closed pipe, and not stop when it is asked to.
"""

KILL: int = getattr(signal, "SIGKILL", 9)
"""The number that ends a program at once. Windows has no signal for it, and no such name."""

_started: weakref.WeakSet[Child | Popen] = weakref.WeakSet()


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A tool's run.

    Attributes:
        argv: What was run.
        exit_code: Its exit code; negative for the signal that killed it.
        elapsed_s: Wall-clock seconds.
        output: Its stdout, when it was captured, else the last lines of both streams.
        errors: Its stderr, when captured apart.
        timed_out: Whether it was ended because its time was up.
        content: Its stdout as it came, when it was captured.
    """

    argv: tuple[str, ...]
    exit_code: int
    elapsed_s: float
    output: str
    errors: str = ""
    timed_out: bool = False
    content: bytes = field(default=b"", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it exited with 0 in time."""
        return self.exit_code == 0 and not self.timed_out


def shown(argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """A command line as a person would type it, with the environment changes in front."""
    changes = [f"{key}={shlex.quote(value)}" for key, value in sorted((env or {}).items())]
    return " ".join([*changes, shlex.join(argv)])


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 60.0,
    stdin: bytes | None = None,
) -> Completed:
    """Run a tool quietly and return what it said on both streams, decoded leniently.

    Args:
        argv: The command.
        env: Changes to the environment, not a whole one.
        cwd: Working folder.
        timeout_s: After this its whole process group is killed.
        stdin: Bytes to feed; nothing by default.

    Raises:
        MissingToolError: The program does not exist or cannot be executed.
    """
    started = time.monotonic()
    process = spawn(
        argv,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    timed_out = False
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        kill_group(process.pid)
        try:
            out, err = process.communicate(timeout=PIPE_GRACE_S)
        except subprocess.TimeoutExpired as late:
            out, err = late.output or b"", late.stderr or b""
            process.wait()
            if os.name == "posix":  # elsewhere threads of Popen's own wait there
                for stream in (process.stdout, process.stderr):
                    if stream:
                        stream.close()
    except BaseException:
        kill_group(process.pid)
        process.wait()
        raise
    return Completed(
        argv=tuple(argv),
        exit_code=process.returncode,
        elapsed_s=time.monotonic() - started,
        output=out.decode("utf-8", "replace"),
        errors=err.decode("utf-8", "replace"),
        timed_out=timed_out,
        content=out,
    )


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int = subprocess.PIPE,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Popen:
    """Start a program as the leader of a process group of its own, without a shell.

    Args:
        argv: The command; a bare name is looked up in ``env["PATH"]``.
        env: The whole environment.
        cwd: Working folder.
        stdin: As in :class:`subprocess.Popen`; likewise the other two.
        stdout: See ``stdin``.
        stderr: See ``stdin``.

    Raises:
        MissingToolError: The program does not exist or cannot be executed.
    """
    program = argv[0]
    if os.sep not in program:
        # Popen would search this process's PATH; the child's is the one that counts.
        import shutil

        program = shutil.which(program, path=env.get("PATH")) or program
    try:
        return start(
            [program, *argv[1:]], env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr
        )
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise MissingToolError(
            f"{argv[0]} cannot be run: {error.strerror}.", try_next="invoke doctor"
        ) from None


class Child:
    """A program under measurement: three pipes, a process group of its own, posix_spawn.

    What :class:`subprocess.Popen` adds to a launch (a fourth pipe for the exec's error, and the
    reading of it) is a fifth of what the quickest program takes. posix_spawn raises the exec's
    error itself.

    Attributes:
        spawn_ns: ``time.perf_counter_ns()`` when nothing but the posix_spawn was left: where a
            program in C would start its clock.
        early: What it wrote to stdout within :data:`EARLY_MS`; later readers do not see it.
        early_ns: ``time.perf_counter_ns()`` when that was read.
        pid: Process id, and id of the process group.
        returncode: As in :class:`subprocess.Popen`: None while it runs, negative for a signal.
        stdin: The pipe to the program, unbuffered; likewise the two from it.
        stdout: See ``stdin``.
        stderr: See ``stdin``.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        """Start it, and listen to its stdout for :data:`EARLY_MS` milliseconds.

        Args:
            argv: The command; ``argv[0]`` is a path.
            env: The whole environment.
            cwd: Working folder; None for this process's own.

        Raises:
            OSError: It cannot be started; nothing is left open.
        """
        self.returncode: int | None = None
        self.early = b""
        self.pid = 0
        ends: list[int] = []
        try:
            for _ in range(3):
                ends += _pipe()
            of_stdin, to_stdin, from_stdout, of_stdout, from_stderr, of_stderr = ends
            listening = select.poll()
            listening.register(from_stdout, select.POLLIN)
            program = posix_spawn.Prepared(
                argv,
                env=env,
                cwd=cwd,
                standard=(of_stdin, of_stdout, of_stderr),
                to_default=_BACK_TO_DEFAULT,
            )
            try:
                program.rehearse()
                listening.poll(0)
                self.spawn_ns = time.perf_counter_ns()
                program.start()
                # The quickest programs are ready by now: their time must not hold what follows.
                if listening.poll(EARLY_MS):
                    self.early = os.read(from_stdout, 4096)
                self.early_ns = time.perf_counter_ns()
            finally:
                self.pid = program.pid
                program.close()
        except BaseException:
            if self.pid:  # interrupted while it listened
                kill_group(self.pid)
                self.wait()
            for end in ends:
                os.close(end)
            raise
        for end in (of_stdin, of_stdout, of_stderr):
            os.close(end)
        self.stdin = os.fdopen(to_stdin, "wb", 0)
        self.stdout = os.fdopen(from_stdout, "rb", 0)
        self.stderr = os.fdopen(from_stderr, "rb", 0)

    def poll(self) -> int | None:
        """Its exit code if it is gone, which is then collected; None while it runs."""
        return self._collect(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end, for as long as that takes."""
        code = self._collect(0)
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone; quiet when it is gone already."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _collect(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:
                # Somebody else in this process waited for every child: its exit code is lost.
                pid, status = self.pid, 0
            if pid == self.pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def _pipe() -> tuple[int, int]:
    """A pipe with both ends above the standard streams, which may be closed here."""
    read_end, write_end = os.pipe()
    if min(read_end, write_end) > 2:
        return read_end, write_end
    import fcntl

    moved = (
        fcntl.fcntl(read_end, fcntl.F_DUPFD_CLOEXEC, 3),
        fcntl.fcntl(write_end, fcntl.F_DUPFD_CLOEXEC, 3),
    )
    os.close(read_end)
    os.close(write_end)
    return moved


def measured(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None) -> Child:
    """Start a program for a launch, with a pipe on each standard stream.

    Args:
        argv: The command; ``argv[0]`` is a path.
        env: The whole environment.
        cwd: Working folder; None for this process's own.

    Raises:
        OSError: It cannot be started; the caller judges.
    """
    _keep_descriptors()
    child = Child(argv, env=env, cwd=cwd)
    _started.add(child)
    return child


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: int,
    stdout: int,
    stderr: int,
    pass_fds: Sequence[int] = (),
) -> Popen:
    """The bare start of every tool; ``OSError`` is the caller's to judge."""
    _keep_descriptors()
    if sys.platform == "win32":
        windows.hold_what_is_started()
    child = subprocess.Popen(
        argv,
        env=env,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,
        # Popen's own closing reads /proc/self/fd in the child.
        close_fds=bool(pass_fds) or sys.platform != "linux",
        pass_fds=pass_fds,
        process_group=0 if os.name == "posix" else None,
        creationflags=windows.START_FLAGS if sys.platform == "win32" else 0,
    )
    if sys.platform == "win32":
        windows.into_job(child)
    _started.add(child)
    return child


@functools.cache
def _keep_descriptors() -> None:
    """Once: keep what this process was started with to itself, beyond the three standard streams.

    Python opens everything so that no program inherits it (PEP 446); what a shell or a pool of
    workers handed down is not so.
    """
    folder = Path("/proc/self/fd")
    if folder.is_dir():
        for number in [int(path.name) for path in folder.iterdir()]:
            if number > 2:
                with contextlib.suppress(OSError):  # the one of the listing is closed by now
                    os.set_inheritable(number, False)


def is_awaited(pid: int) -> bool:
    """Whether somebody here still holds this process and will collect its exit code."""
    return any(child.pid == pid and child.returncode is None for child in list(_started))


def kill_group(pid: int) -> None:
    """SIGKILL the process group that ``pid`` leads; quiet when it is gone already.

    On Windows: end all that is in the job of a program that :func:`start` has started.
    """
    if sys.platform == "win32":
        windows.end_job(pid)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


END_GRACE_S = 5.0
"""A program that started others in groups of their own gets so long to end those."""


def end_group(process: Popen) -> None:
    """End a program and its group: asked first, since what it started may lead groups of its own.

    A build runs a packager, and that a compiler; killed at once, it would leave both running.
    """
    if sys.platform != "win32":
        deadline = time.monotonic() + END_GRACE_S
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                process.poll()  # a group that holds nothing but its dead leader is still one
                os.killpg(process.pid, 0)
                time.sleep(0.01)
    kill_group(process.pid)
    process.wait()
