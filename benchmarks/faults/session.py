"""A session: one launched program, from spawn to "nothing left"."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.faults.conditions import BASE_ENVIRONMENT, HOMES, Conditions
from benchmarks.faults.program import Program
from benchmarks.faults.verdict import Observation
from spike.core import process
from spike.core.workspace import TOOL, project
from spike.launch import leftovers
from spike.launch.procs import Process
from spike.launch.running import Running
from spike.launch.spec import MARK, TEMPORARY, Failure, LaunchSpec

CLEAN_TIMEOUT_S = 10.0
"""What is still there after this was left behind (the issue's bound). Polled: clean ends it."""


EXIT_TIMEOUT_S = 15.0
"""Grace after a stop; Nuitka's onefile parent itself waits 5 s for its child."""

ASK_TIMEOUT_S = 60.0
"""For a command of the probe; the slowest starts two worker processes."""


_OF_ONE_LAUNCH = ("pid=", "entered_ns=")
"""Fields of the BOOT line that differ from launch to launch."""

_KILLS = frozenset(
    [process.KILL]
    + [
        getattr(signal, name)
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
        if hasattr(signal, name)
    ]
)
"""Signals whose default is to end the program at once."""

_PUBLIC = re.compile(re.escape(tempfile.gettempdir()) + r"/spike-fault-\w+")

STDERR_LINES = 12
"""Lines of stderr that a result keeps."""


class Session:
    """One launched program, from spawn to "nothing left". Use as a context manager."""

    def __init__(self, program: Program, conditions: Conditions, folder: Path) -> None:
        self._folder = folder
        self.tmp = conditions.tmp or folder / "tmp"
        self.cwd = conditions.cwd or folder / "cwd"
        self.home = folder / "home"
        for path in (folder, folder / "tmp", folder / "cwd", self.home):
            path.mkdir(parents=True, exist_ok=True)
        environment: dict[str, str | None] = {
            **BASE_ENVIRONMENT,
            **dict.fromkeys(HOMES, str(self.home)),
            **dict.fromkeys(TEMPORARY, str(self.tmp)),
            **program.env,
            **conditions.env,
        }
        self.conditions = conditions
        self.running = Running(
            LaunchSpec(
                argv=(
                    *conditions.wrap,
                    *program.before,
                    conditions.name or str(program.artifact),
                    *program.after,
                    *program.args,
                    *conditions.args,
                ),
                env={key: value for key, value in environment.items() if value is not None},
                base_env={},
                cwd=self.cwd,
                ready=program.ready,
                ready_timeout_s=max(conditions.ready_timeout_s, program.ready_timeout_s),
                private_tmp=False,
            )
        )
        self._own_variable = program.own_variable
        self._sweep = program.sweep
        self._kills = _KILLS if program.dies_of_signals else {process.KILL}
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
        if number in self._kills:
            self.killed = True
        if group and sys.platform != "win32":
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

    def unpacked(self) -> bool:
        """Whether a file is there by now that was not there before it was launched."""
        return any(
            path.is_file()
            for folder in (self.tmp, self.home)
            for path in leftovers.paths_below(folder)
        )

    def processes(self) -> dict[int, Mapping[str, str]]:
        """Living processes of the sidecar, without a host and its helpers: id and environment."""
        return {
            living.pid: environment
            for living, environment in leftovers.living()
            if environment.get(MARK) == self.running.mark and self._own_variable in environment
        }

    def end(self) -> Observation:
        """Wait until nothing is left of it, within a bound, and say what it did."""
        return end_all([self])[0]

    def finish(self, left: Sequence[Process], text: Text) -> Observation:
        """What it did, once the waiting is over; see :func:`end_all`."""
        running = self.running
        commands = tuple(text.clean(leftovers.described(survivor)) for survivor in left)
        running.pump(lambda: True, 0)
        open_pipes = running.open_streams() if left else ()
        leftovers.end(list(left))
        running.pump(lambda: True, 0)
        result = running.result()
        if self.killed and self._sweep:
            own = dict.fromkeys(TEMPORARY, str(self.tmp))
            process.capture(self._sweep, env=own, timeout_s=10.0)
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
            open_pipes=open_pipes,
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
            (str(project()), "<repository>"),
            (str(TOOL), "<tool>"),
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
