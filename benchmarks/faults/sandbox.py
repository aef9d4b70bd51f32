"""What a case works with: launch a program under some fault, and see what it did.

The impure half of the suite. A :class:`Sandbox` belongs to one case on one variant; it owns a
scratch folder, hands out :class:`Session` objects, and undoes everything at its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.faults import needs
from benchmarks.faults.verdict import NotRun, Observation
from spike.build.buildinfo import Built
from spike.core import process
from spike.core.errors import SpikeError
from spike.core.workspace import ROOT
from spike.launch import leftovers
from spike.launch.procs import Process
from spike.launch.running import Running
from spike.launch.spec import MARK, Failure, LaunchSpec

CLEAN_TIMEOUT_S = 10.0
"""What is still there after this was left behind (the issue's bound). Polled: clean ends it."""

READY_TIMEOUT_S = 20.0
"""A start of the hello sidecar takes some 0.1 s; nothing but a hang takes this long."""

EXIT_TIMEOUT_S = 15.0
"""Grace after a stop; Nuitka's onefile parent itself waits 5 s for its child."""

ASK_TIMEOUT_S = 60.0
"""For a command of the probe; the slowest starts two worker processes."""

BASE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
"""Every session starts from this, so that no case depends on the shell that ran the suite."""

LAUNCH_ID = "SIDECAR_LAUNCH_ID"
"""What the supervisor marks its processes with (``MARK_VARIABLE`` in its ``spec.rs``)."""

_OF_ONE_LAUNCH = ("pid=", "entered_ns=")
"""Fields of the BOOT line that differ from launch to launch."""

_PUBLIC = re.compile(re.escape(tempfile.gettempdir()) + r"/spike-fault-\w+")

STDERR_LINES = 12
"""Lines of stderr that a result keeps."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something that can be launched.

    Attributes:
        artifact: The program.
        folder: The folder that it needs; None when it stands alone.
        env: Environment that belongs to it.
        ready: Its READY line.
        before: Words in front of the artifact: the supervisor's command line, when there is one.
        after: Words between the artifact and its arguments: the host's own options.
        sweep: What the next start of a supervisor does first: it removes what a killed one left.
    """

    artifact: Path
    folder: Path | None
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = "READY"
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()

    @property
    def own_variable(self) -> str:
        """A variable that only the sidecar's own processes have: not a host, nor its helpers."""
        return LAUNCH_ID if self.sweep else MARK

    @property
    def root(self) -> Path:
        """What has to be copied to install it."""
        return self.folder or self.artifact

    def shipped_files(self) -> list[Path]:
        """Every regular file that ships, sorted."""
        if self.folder is None:
            return [self.artifact]
        return sorted(
            path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()
        )


def program_of(built: Built) -> Program:
    """The program of a finished build."""
    return Program(
        artifact=built.artifact,
        folder=built.folder,
        env=built.sidecar.env,
        ready=built.sidecar.ready,
    )


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The circumstances of one session; every field has a harmless default.

    Attributes:
        args: Arguments.
        env: Environment changes; None takes a variable away.
        wrap: A command that ends by executing what follows it, so that the process id stays.
        name: What is executed, when it is not the artifact by its absolute path.
        cwd: Working folder; a fresh one by default.
        tmp: TMPDIR; a fresh folder by default.
        look: Folders searched for leftovers beside the fresh ones.
        ready_timeout_s: Seconds until a start counts as hung.
        marked: False when ``wrap`` takes the mark away; then the process group is searched.
    """

    args: tuple[str, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    wrap: tuple[str, ...] = ()
    name: str = ""
    cwd: Path | None = None
    tmp: Path | None = None
    look: tuple[Path, ...] = ()
    ready_timeout_s: float = READY_TIMEOUT_S
    marked: bool = True


class Session:
    """One launched program, from spawn to "nothing left". Use as a context manager."""

    def __init__(self, program: Program, conditions: Conditions, folder: Path) -> None:
        self._folder = folder
        self.tmp = conditions.tmp or folder / "tmp"
        self.cwd = conditions.cwd or folder / "cwd"
        home = folder / "home"
        for path in (folder, folder / "tmp", folder / "cwd", home):
            path.mkdir(parents=True, exist_ok=True)
        environment: dict[str, str | None] = {
            **BASE_ENVIRONMENT,
            "HOME": str(home),
            "TMPDIR": str(self.tmp),
            **program.env,
            **conditions.env,
        }
        self.conditions = conditions
        self.running = Running(
            LaunchSpec(
                argv=(
                    *_with_default_signals(),
                    *conditions.wrap,
                    *program.before,
                    conditions.name or str(program.artifact),
                    *program.after,
                    *conditions.args,
                ),
                env={key: value for key, value in environment.items() if value is not None},
                base_env={},
                cwd=self.cwd,
                ready=program.ready,
                ready_timeout_s=conditions.ready_timeout_s,
                private_tmp=False,
            )
        )
        self._own_variable = program.own_variable
        self._sweep = program.sweep
        self.hung = ""
        self.killed = False
        self._exited_at: float | None = None
        self._clean_at: float | None = None
        self._look = (folder / "tmp", folder / "cwd", *conditions.look)

    def __enter__(self) -> Self:
        """Start the program."""
        self.running.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End whatever is left of it."""
        self.running.__exit__(kind, error, trace)
        for left in _scan([self]).values():
            leftovers.end(left)

    @property
    def pid(self) -> int:
        """Process id of the process that a host would hold."""
        assert self.running.pid is not None
        return self.running.pid

    def until_ready(self) -> bool:
        """Wait for READY; a session that neither gets there nor ends is noted as hung."""
        ready = self.running.wait_ready()
        if self.running.failure is Failure.READY_TIMEOUT:
            self.hung = "READY"
        return ready

    def until_exit(self, timeout_s: float = EXIT_TIMEOUT_S) -> bool:
        """Wait for the exit of the process that the host holds; noted as hung without one."""
        exited = self.running.wait_exit(timeout_s)
        if not exited and not self.hung:
            self.hung = "exit"
        return exited

    def send(self, number: int, *, group: bool = False) -> None:
        """Send a signal to the process that the host holds, or to its whole group."""
        if number == signal.SIGKILL:
            self.killed = True
        if group:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        else:
            self.running.send(number)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the exit."""
        self.send(number)
        self.until_exit()

    def read(self, seconds: float) -> None:
        """Keep reading its output for so long."""
        self.running.pump(lambda: False, seconds)

    def heard(self, beginning: str) -> str:
        """The last whole line of stdout that begins so; empty for none."""
        lines = self.running.result().stdout_tail
        return next((line for line in reversed(lines) if line.startswith(beginning)), "")

    def processes(self) -> int:
        """How many processes of the sidecar live, without a host and its helpers."""
        return sum(
            environment.get(MARK) == self.running.mark and self._own_variable in environment
            for _, environment in leftovers.living()
        )

    def end(self) -> Observation:
        """Wait until nothing is left of it, within a bound, and say what it did."""
        return end_all([self])[0]

    def finish(self, left: Sequence[Process], text: Text) -> Observation:
        """What it did, once the waiting is over; see :func:`end_all`."""
        running = self.running
        commands = tuple(text.clean(leftovers.described(survivor)) for survivor in left)
        leftovers.end(list(left))
        running.pump(lambda: True, 0)
        result = running.result()
        if self.killed and self._sweep:
            process.capture(self._sweep, env={"TMPDIR": str(self.tmp)}, timeout_s=10.0)
        names: list[str] = []
        size_bytes = 0
        for folder in self._look:
            if folder.is_dir():
                inside, folder_bytes = leftovers.files_in(folder)
                names += [f"{folder.name}/{name}" for name in inside]
                size_bytes += folder_bytes
        boot = self.heard("BOOT ")
        return Observation(
            started=running.pid is not None,
            ready_count=running.ready_count,
            boot=" ".join(word for word in boot.split() if not word.startswith(_OF_ONE_LAUNCH)),
            shutdown=self.heard("SHUTDOWN ").removeprefix("SHUTDOWN "),
            report=_report(text.clean(self.heard("REPORT "))),
            hung=self.hung,
            exit_code=None if self.hung else result.exit_code,
            exit_signal="" if self.hung else result.exit_signal,
            ready_ms=running.ready_ms,
            orphan_ms=self._orphan_ms(),
            processes_left=commands,
            files_left=tuple(text.clean(name) for name in names),
            bytes_left=size_bytes,
            stdout=tuple(text.clean(line) for line in result.stdout_tail),
            stderr=tuple(text.clean(line) for line in result.stderr_tail[-STDERR_LINES:])
            or ((text.clean(result.detail),) if running.pid is None else ()),
            killed=self.killed,
        )

    def _orphan_ms(self) -> float | None:
        if self._exited_at is None or self._clean_at is None:
            return None
        return round((self._clean_at - self._exited_at) * 1000, 1)

    def note(self, clean: bool) -> None:
        """Keep the times at which it was alone, and at which nothing was left."""
        now = time.monotonic()
        if not clean and self._exited_at is None:
            self._exited_at = now
        elif clean and self._clean_at is None:
            self._clean_at = now


@dataclass(frozen=True, kw_only=True)
class Text:
    """Makes what a program said fit to be published: no path of this machine."""

    scratch: Path

    def clean(self, line: str) -> str:
        """``line`` with the folders of this machine replaced by their meaning."""
        for path, word in (
            (str(self.scratch), "<scratch>"),
            (str(ROOT), "<repository>"),
            (str(Path.home()), "~"),
        ):
            line = line.replace(path, word)
        return _PUBLIC.sub("<scratch>", line)


def end_all(sessions: Sequence[Session], timeout_s: float = CLEAN_TIMEOUT_S) -> list[Observation]:
    """Wait for many sessions at once until nothing is left of any, and say what each did."""
    for session in sessions:
        if not session.running.exited:
            if not session.hung:
                session.hung = "exit"
            process.kill_group(session.pid)
            session.running.wait_exit(5.0)
    deadline = time.monotonic() + timeout_s
    pause_s = 0.005
    while True:
        left = _scan(sessions)
        for session in sessions:
            session.note(clean=not left[id(session)])
        if not any(left.values()) or time.monotonic() > deadline:
            break
        for session in sessions:
            session.read(0)
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.2)
    leftovers.reap_orphans()
    return [
        session.finish(left[id(session)], Text(scratch=session._folder.parent))
        for session in sessions
    ]


def _scan(sessions: Sequence[Session]) -> dict[int, list[Process]]:
    """Who belongs to which session."""
    survivors: dict[int, list[Process]] = {id(session): [] for session in sessions}
    for owner, survivor in leftovers.look_twice(lambda: _look(sessions)):
        survivors[owner].append(survivor)
    return survivors


def _look(sessions: Sequence[Session]) -> list[tuple[int, Process]]:
    by_mark = {session.running.mark: session for session in sessions}
    by_group = {
        session.running.pid: session
        for session in sessions
        if not session.conditions.marked and session.running.pid is not None
    }
    pairs = []
    for candidate, environment in leftovers.living():
        session = by_mark.get(environment.get(MARK, ""))
        if session is None and by_group:
            with contextlib.suppress(ProcessLookupError):
                session = by_group.get(os.getpgid(candidate.pid))
        if session is not None:
            pairs.append((id(session), candidate))
    return pairs


def _report(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line.removeprefix("REPORT "))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A mount namespace that is held open by a process of ours; it goes when that one goes.

    Attributes:
        wrap: Put in front of a command, makes it run in the namespace.
        holder: Process id of the holder.
    """

    wrap: tuple[str, ...]
    holder: int

    def view(self, path: Path) -> Path:
        """``path`` as it is in the namespace, seen from here."""
        return Path(f"/proc/{self.holder}/root") / path.relative_to("/")


class Sandbox:
    """One case on one variant: programs, a scratch folder, and the means to make it hard."""

    def __init__(
        self, *, target: str, hello: Program, probe: Program | None, probe_problem: str, seed: int
    ) -> None:
        self.target = target
        self.hello = hello
        self.seed = seed
        self._probe = probe
        self._probe_problem = probe_problem
        self._stack = contextlib.ExitStack()
        self._count = 0
        self.launches = 0

    def __enter__(self) -> Self:
        """Make the scratch folder, below ``build/`` so that cases can mount over /tmp."""
        base = ROOT / "build" / "faults"
        try:
            base.mkdir(parents=True, exist_ok=True)
            self.scratch = Path(tempfile.mkdtemp(prefix="case-", dir=base))
            self.scratch.chmod(0o755)
        except OSError as error:
            raise SpikeError(
                f"{base} cannot be written: {error.strerror}.",
                try_next=f"check the rights of {base.parent}",
            ) from None
        self._stack.callback(remove, self.scratch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo everything."""
        self._stack.close()

    @property
    def probe(self) -> Program:
        """The probe as frozen by the packager under test.

        Raises:
            NotRun: It is not built.
        """
        if self._probe is None:
            raise NotRun(self._probe_problem)
        return self._probe

    def folder(self, name: str = "folder") -> Path:
        """A fresh folder in the scratch."""
        self._count += 1
        path = self.scratch / f"{self._count}-{name}"
        path.mkdir()
        return path

    def public_folder(self) -> Path:
        """A fresh folder that other users can read, wherever this repository lies."""
        path = Path(tempfile.mkdtemp(prefix="spike-fault-"))
        path.chmod(0o755)
        self._stack.callback(remove, path)
        return path

    def install(self, target: Path, program: Program | None = None) -> Program:
        """Copy a program (with its folder) into a folder that exists, and return the copy."""
        program = program or self.hello
        if program.folder is None:
            copy = target / program.artifact.name
            shutil.copy2(program.artifact, copy)
            return replace(program, artifact=copy)
        folder = target / program.folder.name
        shutil.copytree(program.folder, folder, symlinks=True)
        return replace(
            program,
            artifact=folder / program.artifact.relative_to(program.folder),
            folder=folder,
        )

    def session(
        self, conditions: Conditions | None = None, program: Program | None = None
    ) -> Session:
        """A session to be driven step by step; enter it to start it."""
        self.launches += 1
        return Session(
            program or self.hello,
            conditions or Conditions(),
            self.scratch / f"session-{self.launches}",
        )

    def run(
        self,
        conditions: Conditions | None = None,
        program: Program | None = None,
        stop: int = signal.SIGTERM,
    ) -> Observation:
        """A standard session: READY, a signal that asks for the stop, and "nothing left"."""
        with self.session(conditions, program) as session:
            if session.until_ready():
                session.stop(stop)
            return session.end()

    def ask(self, *command: str, conditions: Conditions | None = None) -> Observation:
        """Let the probe carry out a command and end by itself.

        Raises:
            NotRun: The probe is not built.
        """
        conditions = replace(conditions or Conditions(), args=command)
        with self.session(conditions, self.probe) as session:
            session.until_exit(ASK_TIMEOUT_S)
            return session.end()

    @contextlib.contextmanager
    def namespace(self, *commands: str) -> Iterator[Namespace]:
        """A mount namespace in which shell commands have been carried out.

        Raises:
            NotRun: A command fails here.
        """
        script = "\n".join(["set -e", *commands, "echo made", "exec cat >/dev/null"])
        options = needs.namespace_options()
        holder = process.start(
            [_path("unshare"), *options, "sh", "-c", script],
            env={**os.environ, "LC_ALL": "C"},
            cwd=None,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        try:
            if holder.stdout.read(5) != b"made\n":
                problem = (holder.stderr.read() or b"").decode("utf-8", "replace").strip()
                raise NotRun(f"the mount could not be made: {problem}")
            user = ("--user", "--preserve-credentials") if "--user" in options else ()
            yield Namespace(
                wrap=(_path("nsenter"), f"--target={holder.pid}", *user, "--mount", "--"),
                holder=holder.pid,
            )
        finally:
            holder.stdin.close()  # the holder ends at end of file, and the namespace with it
            try:
                holder.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                process.kill_group(holder.pid)
                holder.wait()
            holder.stdout.close()
            holder.stderr.close()

    def tool(self, *argv: str, timeout_s: float = 60.0) -> process.Completed:
        """Run a tool quietly."""
        return process.capture(argv, timeout_s=timeout_s)


def shell(commands: str) -> tuple[str, ...]:
    """A wrap that carries out shell commands and then becomes the program."""
    return ("/bin/sh", "-c", f'{commands}\nexec "$@"', "sh")


def limits(**values: int) -> tuple[str, ...]:
    """A wrap that sets soft and hard limits, by the option names of ``prlimit``."""
    options = [f"--{name.replace('_', '-')}={value}:{value}" for name, value in values.items()]
    return (_path("prlimit"), *options)


def quoted(path: Path) -> str:
    """A path as a shell word."""
    return shlex.quote(str(path))


def copies(paths: Iterable[Path], target: Path) -> None:
    """Copy files to the same absolute paths below another root."""
    for path in paths:
        copy = target / path.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def remove(folder: Path) -> None:
    """Remove a folder of ours, also where a case took its rights away."""
    for path, names, _ in os.walk(folder):
        for name in (".", *names):
            with contextlib.suppress(OSError):
                inner = Path(path) / name
                if not inner.is_symlink():
                    inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _with_default_signals() -> tuple[str, ...]:
    """Words in front of a command that take back what the caller ignores, and nothing otherwise.

    A program inherits ignored signals. A shell ignores SIGINT and SIGQUIT in what it runs in the
    background, and nohup SIGHUP; no verdict may depend on that.
    """
    ignored = [
        number.name.removeprefix("SIG")
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    return (_path("env"), f"--default-signal={','.join(ignored)}") if ignored else ()


def _path(tool: str) -> str:
    return shutil.which(tool) or tool
