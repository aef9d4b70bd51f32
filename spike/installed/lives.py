"""The lives of an installed application, from the installation to the removal, step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from spike.core.process import Completed
from spike.installed import managers, mounted, remains
from spike.installed.request import Request, Version
from spike.installed.root import HOME, Root
from spike.installed.rows import Finding, Row, Verdict
from spike.installed.running import Running, others
from spike.installed.session import Session

WINDOW_S = 20.0
TAIL_LINES = 20


class StopHereError(Exception):
    """A step failed without which those that follow say nothing."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the lives came to.

    Attributes:
        findings: One for each row that was tried.
        data_folders: Folders with the user's data.
    """

    findings: tuple[Finding, ...]
    data_folders: tuple[str, ...]


class Lives:
    """One application in one root, through all its steps."""

    def __init__(
        self, root: Root, session: Session, request: Request, say: Callable[[str], None]
    ) -> None:
        self._root = root
        self._session = session
        self._request = request
        self._say = say
        self._manager = managers.Manager(root, request.kind, request.name)
        self._findings: list[Finding] = []
        self._data: set[str] = set()
        self._users_before = self._users_files()
        self._before = self._system = self._system_files()

    def run(self) -> Outcome:
        """Go through every step; those behind a failed one that they need are not run."""
        steps = (
            self._install,
            self._first_life,
            self._killed_life,
            self._upgraded_life,
            self._mounted_life,
            self._remove,
        )
        try:
            for step in steps:
                step()
        except StopHereError as stop:
            self._rest_not_run(str(stop))
        finally:
            self._clear()
        return Outcome(findings=tuple(self._findings), data_folders=tuple(sorted(self._data)))

    # The steps.

    def _install(self) -> None:
        self._say(f"installing {self._request.first.file}")
        before = self._system
        done = self._manager.install(self._request.first.file)
        problems = self._after_installing(done, self._request.first, before)
        loose = "" if self._manager.checks else " (dependencies not checked: no rpm database here)"
        count = len(self._request.first.files)
        self._row(
            Row.INSTALL,
            problems,
            f"{self._request.name} {self._request.first.version}: {count} files{loose}",
            log=_said(done) if problems else (),
        )
        if problems:
            raise StopHereError("it was not installed")

    def _after_installing(
        self, done: Completed, version: Version, before: dict[str, tuple[int, ...]]
    ) -> tuple[str, ...]:
        """What is wrong after an installation, and the new picture of the system's files."""
        problems = []
        if not done.ok:
            problems.append(f"the package manager ended with {done.exit_code}")
            problems += [each for each in (managers.advice(done),) if each]
        missing = [p for p in version.files if not _there(self._root.path / p)]
        problems += [f"missing: /{path}" for path in missing]
        self._system = self._system_files()
        changed = remains.changed(before, self._system)
        # What the next version has no more is gone, as it should be.
        gone = {*self._request.first.files} - {*self._system}
        listed = (*self._manager.listed(), *version.files, *gone)
        problems += [f"not listed: /{path}" for path in remains.foreign(changed, listed)]
        return tuple(problems)

    def _first_life(self) -> None:
        run = self._start(self._request.now.command)
        shows = run.wait_window(min(WINDOW_S, self._request.terms.timeout_s))
        started = shows or run.main() is not None
        how = " ".join(self._request.now.command)
        self._row(
            Row.START,
            () if started else ("it does not run",),
            f"Exec={how}: " + ("its window shows" if shows else "it shows no window"),
            log=() if started else run.tail(),
        )
        ready = run.wait_ready()
        self._row(
            Row.READY,
            () if ready.ok else (ready.detail,),
            f"after {ready.elapsed_s:.1f} s: {ready.detail}",
            log=() if ready.ok else run.tail(),
        )
        if not ready.ok:
            run.close()
            run.wait_gone()
            raise StopHereError("it was not ready")
        self._health(run, ready.sidecars)
        self._quit(run, Row.QUIT, "")

    def _health(self, run: Running, sidecars: object) -> None:
        url = self._request.terms.health
        if not url:
            text = "the package names no health address; --health URL or --health /PATH asks one"
            self._findings.append(Finding(row=Row.HEALTH, verdict=Verdict.NOT_ASKED, detail=text))
            return
        assert isinstance(sidecars, dict)
        status, said = run.ask(url, sidecars)
        good = 200 <= status < 300
        self._row(Row.HEALTH, () if good else (said,), said, log=() if good else run.tail())

    def _killed_life(self) -> None:
        run = self._start(self._request.now.command)
        self._needs_ready(run, Row.KILL)
        self._say("killing it")
        run.kill()
        left = run.wait_gone()
        files = self._leftovers()
        later = f"; files until its next start: {len(files)}, such as {files[0]}" if files else ""
        self._row(Row.KILL, left, f"SIGKILL: {len(left)} processes left{later}", log=())

        run = self._start((PurePosixPath(self._request.now.main).name,))
        self._needs_ready(run, Row.START_AGAIN)
        name = PurePosixPath(self._request.now.main).name
        self._quit(run, Row.START_AGAIN, f"by its name {name}, ")

    def _upgraded_life(self) -> None:
        run = self._start(self._request.now.command)
        self._needs_ready(run, Row.UPGRADE)
        then = self._request.then
        self._say(f"upgrading to {then.version} while it runs")
        before = self._system_files()
        done = self._manager.install(then.file)
        problems = self._after_installing(done, then, before)
        alive = "it ran on" if run.main() else "it ended meanwhile"
        if problems:
            self._row(Row.UPGRADE, problems, "", log=_said(done))
            run.close()
            run.wait_gone()
            raise StopHereError("it was not upgraded")
        detail = f"{self._request.first.version} to {then.version}, {alive}, then "
        self._quit(run, Row.UPGRADE, detail)

        self._request = replace(self._request, now=then)
        run = self._start(self._request.now.command)
        self._needs_ready(run, Row.NEW_SIDECAR)
        self._hashes(run, then)
        run.close()
        left = run.wait_gone()
        if left:
            self._row(Row.NEW_SIDECAR, left, "")

    def _hashes(self, run: Running, then: Version) -> None:
        running = run.running_hashes()
        if not running:
            text = "no sidecar runs from a file of the package, so there is none to compare"
            self._findings.append(
                Finding(row=Row.NEW_SIDECAR, verdict=Verdict.NOT_ASKED, detail=text)
            )
            return
        wrong = tuple(
            f"/{path} runs with {value[:12]}, the package has {then.hashes[path][:12]}"
            for path, value in running.items()
            if then.hashes.get(path) != value
        )
        same = all(self._request.first.hashes.get(path) == value for path, value in running.items())
        if same and not wrong:
            wrong = ("both versions have the same sidecar: give a --next that differs",)
        shown = ", ".join(f"/{path} {value[:12]}" for path, value in sorted(running.items()))
        self._row(Row.NEW_SIDECAR, wrong, f"runs with the SHA-256 of {then.version}: {shown}")

    def _mounted_life(self) -> None:
        self._say("starting it from a read-only mount, as an AppImage does")
        with mounted.opened(self._root, self._request) as (words, environment):
            session = Session(
                display=self._session.display,
                environment={**self._session.environment, **environment},
                bus=self._session.bus,
            )
            request = mounted.request(self._request)
            run = Running(self._root, session, request, words)
            ready = run.wait_ready()
            how = run.close()
            left = run.wait_gone()
        problems = (*(() if ready.ok else (ready.detail,)), *left, *self._leftovers())
        detail = f"{mounted.PLACE}, APPDIR and LD_LIBRARY_PATH set: {ready.detail}; {how}"
        log = run.tail() if problems else ()
        self._row(Row.READ_ONLY_MOUNT, problems, detail, log=log)

    def _remove(self) -> None:
        self._say("removing it")
        listed = self._manager.listed()
        done = self._manager.remove()
        problems = [] if done.ok else [f"the package manager ended with {done.exit_code}"]
        if self._manager.known():
            problems.append("the package manager still knows it")
        files = {*listed, *self._request.first.files, *self._request.then.files}
        problems += [f"still there: /{p}" for p in sorted(files) if self._is_packages_own(p)]
        system = self._system_files()
        new = remains.changed(self._before, system)
        problems += [f"file: /{path}" for path in remains.foreign(new, files)]
        problems += self._leftovers()
        kept = ", ".join(sorted(self._data)) or "none"
        self._row(Row.REMOVE, tuple(problems), f"data that stays: {kept}", log=_said(done))

    # What the steps have in common.

    def _is_packages_own(self, path: str) -> bool:
        """Whether a path is still there, and no folder that this system has as well."""
        place = self._root.path / path
        is_folder = place.is_dir() and not place.is_symlink()
        return _there(place) and not (is_folder and Path("/", path).is_dir())

    def _start(self, words: tuple[str, ...]) -> Running:
        self._say(f"starting {' '.join(words)}")
        return Running(self._root, self._session, self._request, words)

    def _needs_ready(self, run: Running, row: Row) -> None:
        run.wait_window(min(WINDOW_S, self._request.terms.timeout_s))
        ready = run.wait_ready()
        if not ready.ok:
            self._row(row, (ready.detail,), "", log=run.tail())
            run.close()
            run.wait_gone()
            raise StopHereError(f"it was not ready before {row}")

    def _quit(self, run: Running, row: Row, detail: str) -> None:
        how = run.close()
        left = run.wait_gone()
        code = run.exit_code
        problems = [*left, *self._leftovers()]
        if code:
            problems.append(f"it ended with {code}")
        changed = remains.changed(self._system, self._system_files())
        problems += [f"file: /{path}" for path in remains.foreign(changed, ())]
        log = run.tail() if problems else ()
        self._row(row, tuple(problems), f"{detail}{how}: exit code {code}, nothing left", log=log)

    def _row(
        self, row: Row, problems: tuple[str, ...], detail: str, log: tuple[str, ...] = ()
    ) -> None:
        verdict = Verdict.FAIL if problems else Verdict.PASS
        text = "; ".join(problems[:3]) if problems else detail
        log = log if problems else ()
        self._findings = [each for each in self._findings if each.row is not row]
        self._findings.append(
            Finding(row=row, verdict=verdict, detail=text, left=problems, log=log)
        )
        self._say(f"{row}: {verdict}")

    def _rest_not_run(self, why: str) -> None:
        done = {each.row for each in self._findings}
        for row in Row:
            if row not in done and row not in (Row.APPIMAGE, Row.NSIS, Row.NSIS_HOOK):
                self._findings.append(Finding(row=row, verdict=Verdict.NOT_RUN, detail=why))

    def _users_files(self) -> dict[str, tuple[int, ...]]:
        """Files and empty folders outside of the system's folders."""
        found: dict[str, tuple[int, ...]] = {}
        for name, folder in self._root.areas().items():
            found |= remains.stamps(folder, name, empty_folders=True)
        return found

    def _system_files(self) -> dict[str, tuple[int, ...]]:
        """What differs from this system in its folders."""
        found: dict[str, tuple[int, ...]] = {}
        for name, folder in self._root.system_uppers().items():
            found |= remains.stamps(folder, name)
        return remains.without_idle_whiteouts(found, Path("/"))

    def _leftovers(self) -> tuple[str, ...]:
        """Files of the application's that should not be there; data folders are noted."""
        new = {*self._users_files()} - {*self._users_before}
        judged = remains.judge(new, home=HOME, session=self._root.session)
        self._data |= set(judged.data_folders)
        return tuple(f"file: /{path}" for path in judged.leftovers)

    def _clear(self) -> None:
        """After a step that failed, nothing may run on into the next proof."""
        for each in others(self._root):
            try:
                each.kill()
            except OSError:
                continue


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _said(done: Completed) -> tuple[str, ...]:
    return tuple((done.output + done.errors).splitlines()[-TAIL_LINES:])
