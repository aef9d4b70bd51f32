"""One life of a program that is tried: started as a host does, watched, ended, cleaned up after."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from spike.contract import asking
from spike.contract.asking import Address
from spike.contract.promises import EXIT_ON_EOF_VARIABLE, PORT_VARIABLE, TOKEN_VARIABLE
from spike.contract.subject import Subject
from spike.core import process
from spike.core.errors import MissingToolError, StorageError
from spike.launch import diagnosis, leftovers, procs
from spike.launch.places import Place, changed, remove_tree, state_of
from spike.launch.procs import GONE, LinuxProcess, Process
from spike.launch.running import Running
from spike.launch.spec import LAUNCH_ID, TEMPORARY, Failure, LaunchSpec
from spike.launch.streams import Line
from spike.project.settings import FREE_PORT

GRACE_S = 8.0
"""From the wish to stop to the exit: as long as the host's supervisor waits before it kills."""

LEFT_S = leftovers.LEFTOVER_TIMEOUT_S
"""After the exit, processes of the program may take so long to end."""

UNSEEN = ("PYTHONUNBUFFERED", "NODE_OPTIONS")
"""What a developer's shell may have set, and a host started from a menu has not."""

OWN_OF_HOME = (".cache/", ".config/", ".local/share/", ".local/state/", "AppData/", "Library/")
"""Where a program may keep what is the user's, below the home folder."""

LISTEN = "LISTEN "
READY = "READY"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long a program is given.

    Attributes:
        ready_timeout_s: From the launch to READY, in seconds.
        grace_s: From the wish to stop to the exit, in seconds.
    """

    ready_timeout_s: float = 10.0
    grace_s: float = GRACE_S


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one life showed.

    Attributes:
        how: How it was asked to stop, to be read behind "after".
        ready_ms: When READY came, in milliseconds; None when it did not.
        ready_count: How often it came.
        stopped: Whether it ended in time.
        exit_code: Its exit code; None when a signal ended it.
        ending: How it ended, in words.
        port: What its LISTEN line says; None without one.
        handed_port: The free port that it was handed; None when it was told to pick one.
        listening: Where it listened at READY, as far as the system shows it.
        connects: Whether it took a connection at its port then.
        processes_left: Command lines of the processes that outlived it.
        files_left: Files that it left, each with the folder's name in front.
        stdout: Its last lines there.
        stderr: Likewise.
    """

    how: str = ""
    ready_ms: float | None = None
    ready_count: int = 0
    stopped: bool = False
    exit_code: int | None = None
    ending: str = ""
    port: int | None = None
    handed_port: int | None = None
    listening: tuple[Address, ...] = ()
    connects: bool = False
    processes_left: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether it ended in time, with exit code 0."""
        return self.stopped and self.exit_code == 0

    @property
    def last_words(self) -> str:
        """What it said last."""
        return diagnosis.last_words(
            stderr="\n".join(self.stderr),
            stdout="\n".join(self.stdout),
            failure=Failure.EXITED_BEFORE_READY,
        )

    @property
    def own_port(self) -> int | None:
        """Where to ask it: the port that it was handed, that it says, or the only one it has."""
        if self.handed_port is not None:
            return self.handed_port
        ports = {address.port for address in self.listening}
        return self.port or (min(ports) if ports else None)


class Ground:
    """Where a program is tried: a home, folders for each life, removed in the end."""

    def __init__(self, root: Path) -> None:
        self._place = Place(
            root=root, program=root / "none", sources=root / "none", before={}, home_before={}
        )
        for folder in self._place.environment().values():
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._before = state_of(self._place.home)
        self.tmp = Path(tempfile.mkdtemp(prefix="tmp-", dir=root))
        self.cwd = self._place.working_folder()

    def environment(self) -> dict[str, str]:
        """The variables that make these folders the program's."""
        return {**self._place.environment(), **dict.fromkeys(TEMPORARY, str(self.tmp))}

    def files(self) -> tuple[str, ...]:
        """What was left here, where nothing may be left."""
        in_home = changed(self._before, state_of(self._place.home))
        return (
            *(f"temporary folder: {name}" for name in changed({}, state_of(self.tmp))),
            *(f"working folder: {name}" for name in changed({}, state_of(self.cwd))),
            *(f"home: {name}" for name in in_home if not f"{name}/".startswith(OWN_OF_HOME)),
        )

    def with_text(self, text: str) -> str:
        """The first file here that has a text in it, from this place; empty for none."""
        for path in sorted(self._place.root.rglob("*")):
            with contextlib.suppress(OSError):
                if path.is_file() and text.encode() in path.read_bytes():
                    return path.relative_to(self._place.root).as_posix()
        return ""


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """Make a ground, and remove it.

    Raises:
        StorageError: It cannot be made.
    """
    try:
        root = Path(tempfile.mkdtemp(prefix="spike-contract-"))
    except OSError as error:
        raise StorageError(
            f"No temporary folder can be made: {error.strerror}.",
            try_next=f"check the free space and the rights of {tempfile.gettempdir()}",
        ) from None
    try:
        yield Ground(root)
    finally:
        remove_tree(root)


class Life:
    """One launched program. Use as a context manager: nothing of it outlives the block."""

    def __init__(
        self, subject: Subject, terms: Terms, where: Ground, *, hand_over: bool = False
    ) -> None:
        """Prepare it.

        Args:
            subject: What is launched.
            terms: How long it is given.
            where: Its folders.
            hand_over: Hand it a free port in place of 0.
        """
        self.token = secrets.token_urlsafe(32)
        self.terms = terms
        self._where = where
        self._how = ""
        self._stopped = self._over = False
        self._listening: tuple[Address, ...] = ()
        self._connects = False
        self._telling: set[str] = set()
        self._family: list[Process] = []
        self._before = frozenset(_orphans())
        self.running = Running(
            LaunchSpec(
                argv=subject.argv,
                base_env=_of_a_host(),
                env={
                    **where.environment(),
                    EXIT_ON_EOF_VARIABLE: "1",
                    LAUNCH_ID: secrets.token_hex(16),
                    PORT_VARIABLE: FREE_PORT if hand_over or subject.asks_for_port else "0",
                    TOKEN_VARIABLE: self.token,
                },
                cwd=where.cwd,
                ready_timeout_s=terms.ready_timeout_s,
                stop_timeout_s=terms.grace_s,
                private_tmp=False,
            )
        )
        self.running.on_line = self._hear

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            MissingToolError: The system does not start it.
        """
        self.running.__enter__()
        if self.running.pid is None:
            detail = self.running.detail
            self.running.__exit__(None, None, None)
            raise MissingToolError(
                f"It cannot be started: {detail}.",
                why="The system refuses to execute it: another platform's program, a missing "
                "interpreter, or a script without a first line that names one.",
                try_next=f"file {process.shown([self.running.spec.argv[0]])}",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all that is left of it."""
        self.running.__exit__(kind, error, trace)
        if not self._over:
            leftovers.end(self._left())

    def until_ready(self) -> bool:
        """Wait for READY, and note where it listens then."""
        ready = self.running.wait_ready()
        if ready:
            self.note()
            pids = {each.pid for each in self._family} | {self.pid}
            self._listening = asking.listening(pids)
            self._connects = self.connects()
        return ready

    def connects(self) -> bool:
        """Whether it takes a connection at its port."""
        seen = self.so_far()
        if seen.own_port is None:
            return False
        return asking.connects(asking.local(seen.own_port, seen.listening))

    @property
    def pid(self) -> int:
        """Of the process that the host holds."""
        assert self.running.pid is not None
        return self.running.pid

    @property
    def said_port(self) -> int | None:
        """What its LISTEN line says; one behind READY comes too late for a host."""
        said = (*(line.text for line in self.running.lines), *self.running.result().stdout_tail)
        for line in itertools.takewhile(lambda line: line != READY, said):
            for word in line.split() if line.startswith(LISTEN) else ():
                if word.startswith("port=") and word[5:].isascii() and word[5:].isdecimal():
                    return int(word[5:])
        return None

    def commands(self) -> str:
        """The command lines of its processes, as everybody on this machine can read them."""
        return "\n".join(leftovers.command_line(each) for each in self._family)

    def told(self) -> str:
        """Where the token stands, up to now, for others to read; empty for nowhere."""
        said = self.so_far()
        for stream, lines in (("stdout", said.stdout), ("stderr", said.stderr)):
            if stream in self._telling or self.token in "\n".join(lines):
                return f"on {stream}"
        file = self._where.with_text(self.token)
        return f"in the file {file}" if file else ""

    def _hear(self, line: Line) -> None:
        if self.token in line.text:
            self._telling.add(line.stream)

    def note(self) -> None:
        """Remember its processes: one that takes another environment is not found by its mark."""
        found = {each.pid: each for each in leftovers.survivors(self.running.mark)}
        parents = {self.pid, *found}
        children = [each for each in procs.processes() if each.pid not in found]
        grown = True
        while grown:
            grown = False
            for each in list(children):
                with contextlib.suppress(*GONE):
                    if each.ppid() in parents:
                        parents.add(each.pid)
                        found[each.pid] = each
                        children.remove(each)
                        grown = True
        known = {each.pid for each in self._family}
        self._family += [each for pid, each in found.items() if pid not in known]

    def wait_exit(self, how: str) -> bool:
        """Wait for the exit after it was asked to stop, as long as the grace is.

        Args:
            how: How it was asked.
        """
        self._how = how
        self._stopped = self.running.wait_exit(self.terms.grace_s)
        return self._stopped

    def end_stdin(self) -> bool:
        """Ask it to stop by the end of its stdin; whether it did in time."""
        self.note()
        self.running.close_stdin()
        return self.wait_exit("the end of stdin")

    def signal(self, number: int, name: str) -> bool:
        """Ask it to stop by a signal; whether it did in time."""
        self.note()
        self.running.send(number)
        return self.wait_exit(name)

    def end(self, *, patience_s: float = LEFT_S) -> Seen:
        """Look what is left of it, end that, and say what the life showed.

        Args:
            patience_s: So long its processes may take to end after it.
        """
        running = self.running
        left: list[Process] = []
        if running.exited:
            running.pump(lambda: True, 0)
            deadline = time.monotonic() + patience_s
            while (left := self._left()) and time.monotonic() < deadline:
                running.pump(lambda: False, 0.02)
            ending = running.exit_text()
        else:
            ending = f"still running {self.terms.grace_s:g} s after {self._how}"
        seen = replace(
            self.so_far(),
            how=self._how,
            stopped=self._stopped,
            exit_code=running.exit_code,
            ending=ending,
            processes_left=tuple(leftovers.command_line(each) for each in left),
        )
        if not running.exited:
            running.kill()
            left = self._left()
        leftovers.end(left)
        self._over = True
        return replace(seen, files_left=self._where.files())

    def so_far(self) -> Seen:
        """What the life shows up to now."""
        running = self.running
        said = running.result()
        return Seen(
            ready_ms=running.ready_ms,
            ready_count=running.ready_count,
            ending=running.exit_text() if running.exited else "",
            port=self.said_port,
            handed_port=running.free_port,
            listening=self._listening,
            connects=self._connects,
            stdout=said.stdout_tail,
            stderr=said.stderr_tail,
        )

    def _left(self) -> list[Process]:
        """Its processes that live, but for the one that the host holds."""
        found = {each.pid: each for each in leftovers.survivors(self.running.mark)}
        found |= {each.pid: each for each in self._family if _lives(each)}
        found |= {pid: each for pid, each in _orphans().items() if pid not in self._before}
        return [each for pid, each in found.items() if pid != self.running.pid]


def _lives(known: Process) -> bool:
    with contextlib.suppress(*GONE):
        return known.running() if isinstance(known, LinuxProcess) else not procs.dead(known)
    return False


def _orphans() -> dict[int, Process]:
    """Processes that came to us when their parents ended; see ``leftovers.adopt_orphans``."""
    found: dict[int, Process] = {}
    for each in procs.processes() if sys.platform == "linux" else ():
        with contextlib.suppress(*GONE):
            if each.ppid() == os.getpid() and not procs.dead(each):
                found[each.pid] = each
    return {pid: each for pid, each in found.items() if not process.is_awaited(pid)}


def _of_a_host() -> dict[str, str]:
    """This process's environment, without what is a developer's or another launch's."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in UNSEEN and not name.startswith("SIDECAR_")
    }
