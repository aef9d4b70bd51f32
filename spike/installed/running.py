"""The application while it runs in the root: its processes, its READY, its window, its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from spike.build.buildinfo import file_sha256
from spike.completeness import crawl
from spike.contract.asking import listening, local
from spike.core import process
from spike.core.errors import SpikeError
from spike.installed import xwindow
from spike.installed.package import find_program
from spike.installed.request import Request
from spike.installed.root import HOME, Root
from spike.installed.session import Session
from spike.launch import leftovers, procs
from spike.launch.procs import GONE, Process

LOG_LINES = 20
PAUSE_S = 0.05
TOKEN_VARIABLE = "SIDECAR_TOKEN"
BUS_VARIABLE = "DBUS_STARTER_BUS_TYPE"
"""A message bus sets it for the services that it starts (dbus-daemon(1))."""

ASK_TIMEOUT_S = 2.0
FIRST_WORDS = 3
"""So many words of a command line can name a program that an interpreter runs."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What came of the wait for READY.

    Attributes:
        ok: Whether everything that was asked for was seen.
        detail: What was seen, or what was not.
        elapsed_s: Seconds since the start.
        sidecars: Process ids of sidecars, with each one's program.
    """

    ok: bool
    detail: str
    elapsed_s: float
    sidecars: Mapping[int, str]


def ancestors(pid: int, parents: Mapping[int, int]) -> Iterable[int]:
    """A process and those above it, the nearest first."""
    seen = set()
    while pid and pid not in seen:
        seen.add(pid)
        yield pid
        pid = parents.get(pid, 0)


def program_of(exe: str, command: Iterable[str], programs: Iterable[str]) -> str:
    """Which of some programs a process runs; empty for none.

    Args:
        exe: Its file as it is called inside the root.
        command: Its command line.
        programs: Paths relative to the root.
    """
    known = tuple(programs)
    for named in (exe, *tuple(command)[:FIRST_WORDS]):
        if named.lstrip("/") in known and named.startswith("/"):
            return named.lstrip("/")
    return ""


class Running:
    """One run of the application."""

    def __init__(
        self, root: Root, session: Session, request: Request, words: Iterable[str]
    ) -> None:
        """Start it, as the user, with everything that it says in a file."""
        self._root = root
        self._session = session
        self._request = request
        self.log = root.base / f"said-{time.monotonic_ns()}"
        self._started = time.monotonic()
        with self.log.open("wb") as stream:
            self._child = process.start(
                root.user_words(tuple(words)),
                env=session.environment,
                cwd=None,
                stdin=subprocess.DEVNULL,
                stdout=stream.fileno(),
                stderr=subprocess.STDOUT,
            )

    @property
    def exit_code(self) -> int | None:
        """The exit code of what was started; None while it runs."""
        return self._child.poll()

    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text("utf-8", "replace")

    def tail(self) -> tuple[str, ...]:
        """The last lines of that."""
        return tuple(self.said().splitlines()[-LOG_LINES:])

    def processes(self) -> list[Process]:
        """Every process in the root but those of the session."""
        return others(self._root, (self._request.now.main, *self._request.now.sidecars))

    def main(self) -> Process | None:
        """The application's own process: its program's, or what a script became by ``exec``."""
        became = None
        for each in self.processes():
            if self._program(each, (self._request.now.main,)):
                return each
            if each.pid == self._child.pid and self._program(each, self._request.now.sidecars):
                became = each
        return became

    def sidecars(self) -> dict[int, str]:
        """The processes that run a sidecar's program, with that program."""
        found = {}
        main = self.main()
        for each in self.processes():
            program = self._program(each, self._request.now.sidecars)
            if program and not (main and each.pid == main.pid):
                found[each.pid] = program
        return found

    def _program(self, candidate: Process, programs: Iterable[str]) -> str:
        return _program(self._root, candidate, programs)

    def running_hashes(self) -> dict[str, str]:
        """The SHA-256 of the file that each sidecar's process runs, by its program's path."""
        found = {}
        for pid, program in self.sidecars().items():
            with contextlib.suppress(OSError, SpikeError):
                exe = Path(f"/proc/{pid}/exe")
                is_own = self._root.inside(str(exe.readlink())).lstrip("/") == program
                # A script is run by an interpreter.
                found[program] = file_sha256(exe if is_own else self._root.path / program)
        return found

    def wait_ready(self) -> Ready:
        """Wait until everything is seen by which this application's READY is noticed."""
        terms = self._request.terms
        since: dict[int, float] = {}
        missing = "nothing was seen yet"
        while (elapsed_s := time.monotonic() - self._started) < terms.timeout_s:
            now = time.monotonic()
            sidecars = self.sidecars()
            since = {pid: since.get(pid, now) for pid in sidecars}
            if self.exit_code is not None and self.main() is None:
                missing = f"the application ended before READY, with exit code {self.exit_code}"
                return Ready(ok=False, detail=missing, elapsed_s=elapsed_s, sidecars={})
            settled = [pid for pid, start in since.items() if now - start >= terms.settle_s]
            missing = self._missing(settled, sidecars)
            if not missing:
                return Ready(
                    ok=True, detail=self._seen(sidecars), elapsed_s=elapsed_s, sidecars=sidecars
                )
            leftovers.reap_orphans()
            time.sleep(PAUSE_S)
        return Ready(
            ok=False,
            detail=f"not ready within {terms.timeout_s:g} s: {missing}",
            elapsed_s=terms.timeout_s,
            sidecars=self.sidecars(),
        )

    def _missing(self, settled: list[int], sidecars: Mapping[int, str]) -> str:
        """What is not there yet of that by which READY is noticed; empty when all is."""
        now, terms = self._request.now, self._request.terms
        if self.main() is None:
            return f"no process of /{now.main}"
        if now.sidecars and not settled:
            names = ", ".join(f"/{path}" for path in now.sidecars[:3])
            return f"no process of {names} that stays for {terms.settle_s:g} s"
        if terms.ready_log and terms.ready_log not in self.said():
            return f"it did not print {terms.ready_log!r}"
        if terms.ready_file and not self._file(terms.ready_file).exists():
            return f"there is no file {terms.ready_file}"
        if terms.ready_url:
            answer = self.ask(terms.ready_url, sidecars)
            if not 200 <= answer[0] < 400:
                return f"{terms.ready_url}: {answer[1]}"
        return ""

    def _seen(self, sidecars: Mapping[int, str]) -> str:
        terms = self._request.terms
        parts = [
            *(
                ["its sidecar runs: /" + ", /".join(sorted(set(sidecars.values())))]
                * bool(sidecars)
            ),
            *([f"it printed {terms.ready_log!r}"] * bool(terms.ready_log)),
            *([f"{terms.ready_file} is there"] * bool(terms.ready_file)),
            *([f"{terms.ready_url} answers"] * bool(terms.ready_url)),
        ]
        return "; ".join(parts) or "it runs; the package has no second program"

    def _file(self, name: str) -> Path:
        return self._root.path / re.sub(r"^~(?=/|$)", HOME, name).lstrip("/")

    def ask(self, url: str, sidecars: Mapping[int, str]) -> tuple[int, str]:
        """Ask an address, as GET with the sidecar's token where it has one.

        Args:
            url: The address, or a path at the port where a sidecar listens.
            sidecars: The sidecars' processes.

        Returns:
            The status and it in words; 0 where nobody answers.
        """
        token = self._token(sidecars)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        said = f"nobody listens at a port, to be asked for {url}"
        for each in self._addresses(url, sidecars):
            page = crawl.ask(each, headers=headers, timeout_s=ASK_TIMEOUT_S)
            if page.status:
                return page.status, f"{each} answered {page.status}"
            said = f"{each}: {page.body.decode('utf-8', 'replace')}"
        return 0, said

    def _addresses(self, url: str, sidecars: Mapping[int, str]) -> list[str]:
        if not url.startswith("/") and "{free_port}" not in url:
            return [url]
        pids = self._family(sidecars)
        path = url if url.startswith("/") else urlsplit(url.replace("{free_port}", "0")).path
        addresses = listening(pids)
        return [f"http://{local(each.port, addresses)}{path}" for each in addresses]

    def _family(self, sidecars: Mapping[int, str]) -> list[int]:
        """The sidecars' processes and all that they started."""
        found = self.processes()
        parents = _parents(found)
        return [each.pid for each in found if set(ancestors(each.pid, parents)) & set(sidecars)]

    def _token(self, sidecars: Mapping[int, str]) -> str:
        for pid in sidecars:
            with contextlib.suppress(OSError):
                token = procs.LinuxProcess(pid).environ().get(TOKEN_VARIABLE, "")
                if token:
                    return token
        return ""

    def wait_window(self, timeout_s: float) -> bool:
        """Wait until a window shows that can be closed."""
        deadline = time.monotonic() + timeout_s
        with xwindow.opened(self._session.display) as display:
            while time.monotonic() < deadline:
                if display.closable():
                    return True
                if self.exit_code is not None:
                    return False
                time.sleep(PAUSE_S)
        return False

    def close(self) -> str:
        """Close its windows, or ask its process to end where it has none; say which."""
        with xwindow.opened(self._session.display) as display:
            windows = display.closable()
            if windows:
                display.close(windows)
                return "its window closed"
        main = self.main()
        if main:
            with contextlib.suppress(OSError):
                os.kill(main.pid, signal.SIGTERM)
        return "no window to close: SIGTERM"

    def kill(self) -> None:
        """SIGKILL the application's own process, and nothing else."""
        main = self.main()
        if main:
            with contextlib.suppress(*GONE):
                main.kill()

    def wait_gone(self) -> tuple[str, ...]:
        """Wait until no process is left; name those that are, and end them."""
        deadline = time.monotonic() + self._request.terms.grace_s
        while time.monotonic() < deadline:
            leftovers.reap_orphans()
            self._child.poll()
            if not self.processes():
                return ()
            time.sleep(PAUSE_S)
        left = self.processes()
        commands = tuple(f"process: {leftovers.command_line(each)}" for each in left)
        leftovers.end(left)
        self._child.poll()
        return commands


def others(root: Root, programs: Iterable[str] = ()) -> list[Process]:
    """Every living process in this namespace but this one and the session's.

    Args:
        root: The root.
        programs: The package's: what runs one is never the session's.
    """
    found = list(procs.processes())
    parents = _parents(found)
    own = tuple(programs)
    result = []
    for each in found:
        if each.pid == os.getpid() or root.helpers & set(ancestors(each.pid, parents)):
            continue
        with contextlib.suppress(*GONE):
            # The bus starts services of the desktop on demand, which stay as long as it.
            served = BUS_VARIABLE in each.environ() and not _program(root, each, own)
            if not procs.dead(each) and not served:
                result.append(each)
    return result


def _program(root: Root, candidate: Process, programs: Iterable[str]) -> str:
    """Which of the programs a process runs; empty for none, or when it is gone."""
    try:
        # A script is called by a link's name, too, or from its folder: /usr/bin/app, ./app.
        here = Path(root.inside(str(Path(f"/proc/{candidate.pid}/cwd").readlink())))
        words = (
            f"/{find_program(os.path.normpath(here / word), root.path)}" if "/" in word else word
            for word in candidate.cmdline()
        )
        return program_of(root.inside(candidate.exe()), words, programs)
    except GONE:
        return ""


def _parents(found: Iterable[Process]) -> dict[int, int]:
    parents = {}
    for each in found:
        with contextlib.suppress(*GONE):
            parents[each.pid] = each.ppid()
    return parents
