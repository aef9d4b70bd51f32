"""``nox -s windows``: what can be proved of Windows on a system with Wine, step by step.

A project of its own, whose path has a space and letters that are not ASCII, is built and launched
by a Python for Windows, with the commands that a user types there. Each step says whether it held;
one that fails does not keep the next from being tried.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from spike.build import doctor
from spike.core import jsonfile, workspace
from spike.core.command_line import run_command_line
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingToolError, SpikeError, UsageError
from spike.core.tables import table
from spike.core.workspace import HOST_PROGRAMS_VARIABLE, TOOL
from spike.packagers import DEFAULT_PACKAGERS
from spike.project import copies
from spike.project.metadata import LOCK_NAME
from spike.project.sidecar import load
from spike.wine import prefix, rust
from spike.wine.compiler import Compiler
from spike.wine.prefix import Wine

EXAMPLE = "examples/jsonrpc"
"""Built and launched beside the hello sidecar: it has data files and a smoke command of its own."""

CONTRACT = "examples/contract/python"
"""Keeps the contract by the one file that programs copy, which is for Windows, too."""

PROBE = "benchmarks/faults/probe"
"""What the fault cases look into a program with."""

PROJECT = "ein größeres Projekt"
"""Name of the project's folder: a space, and letters that no ASCII has."""

STEP_S = 3600.0
SHORT_STEP_S = 240.0
"""How long a step may take: one that hangs did not hold, and the others are tried."""

TRIES = 3
"""So often is a step run whose Wine was lost: nothing of ours has an answer then."""

LEAST_CASES = 40
"""So many fault cases have to be judged on each variant."""

TESTS = (
    "tests/unit/core/test_filelock.py",
    "tests/unit/core/test_windows.py",
    "tests/unit/launch/test_procs_windows.py",
    "tests/unit/launch/test_running_windows.py",
    "tests/unit/launch/test_smoke.py",
)
"""The launcher's own tests: here they run on job objects, processes and locks of Windows."""

TESTS_OF_PROJECTS = ("tests/unit/project", "tests/unit/issue_log")
"""What is about no launch: paths, line ends and names as Windows has them."""


Tried = TypeVar("Tried")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step and what came of it.

    Attributes:
        name: What was tried.
        ok: Whether it held.
        said: The end of what it said.
        exit_code: Of what was run; None where nothing was.
        crashed: Whether it ended with a traceback.
    """

    name: str
    ok: bool
    said: str = ""
    exit_code: int | None = None
    crashed: bool = False


def main(arguments: list[str]) -> int:
    """Command line of the Nox session; see the module."""
    parser = argparse.ArgumentParser(prog="nox -s windows --", allow_abbrev=False)
    parser.add_argument(
        "--packager", action="append", default=[], metavar="NAME", help="with this one (repeatable)"
    )
    parser.add_argument(
        "--python", default=prefix.PYTHON, choices=prefix.PYTHONS, help="the Python for Windows"
    )
    parser.add_argument("--launches", type=int, default=20, help="of each variant (default 20)")
    parser.add_argument(
        "--lifecycles", type=int, default=50, help="random lives of each variant (default 50)"
    )
    parser.add_argument("--no-host", action="store_true", help="leave supervisor and launcher out")
    parser.add_argument("--no-faults", action="store_true", help="leave the fault cases out")
    parser.add_argument(
        "--short",
        action="store_true",
        help="the hello sidecar's builds, launches and lives, and the tests, alone",
    )
    options = parser.parse_args(arguments)
    names = packagers(options.packager)
    check()
    place = Wine(folder=folder(), python_name=options.python)
    place.start()
    try:
        project = project_in(place)
        with Compiler(place.folder / "mingw64") as compiler:
            proof = Proof(
                place=place,
                project=project,
                compiler=compiler,
                step_s=SHORT_STEP_S if options.short else STEP_S,
            )
            compiled = None if options.no_host else proof.host()
            env = proof.host_programs if compiled else {}
            proof.hello(names, options.launches)
            if compiled:
                proof.lives(options.launches)
            if not options.short:
                proof.more(names)
                if not options.no_faults:
                    proof.faults(names, env)
                if compiled:
                    proof.random_lives(options.lifecycles)
                    proof.host_checked(compiled)
                proof.overview()
    finally:
        place.stop()
    print(render(proof.steps))  # noqa: T201 - this module is a command line
    print(f"results: {workspace.display_path(project / 'benchmarks' / 'results')}")  # noqa: T201
    return EXIT_OK if all(step.ok for step in proof.steps) else EXIT_GOAL_MISSED


def packagers(asked: Sequence[str]) -> Sequence[str]:
    """Names of the packagers to build with: those of the plan, as Python itself is Linux's alone.

    Args:
        asked: The names that were given; none for all.

    Raises:
        UsageError: One of them is none of these.
    """
    if unknown := [name for name in asked if name not in DEFAULT_PACKAGERS]:
        raise UsageError(
            f"There is no packager {unknown[0]!r} for Windows.",
            why=f"Known are: {', '.join(DEFAULT_PACKAGERS)}.",
        )
    return asked or DEFAULT_PACKAGERS


def folder() -> Path:
    """Where the Windows lies, with all that is made in it and for it."""
    return workspace.project() / "build" / "windows"


def check() -> None:
    """Make sure that everything is there.

    Raises:
        MissingToolError: Something is not; all of it is named.
    """
    if lacking := doctor.missing(doctor.examine(prefix.NEEDS)):
        names = " and no ".join(each.need.name for each in lacking)
        raise MissingToolError(
            f"For Windows programs there is no {names}.",
            try_next=" and ".join(each.remedy for each in lacking),
        )


def project_folder(place: Wine) -> Path:
    """The folder of that project: one for each Python, whose builds are not another's."""
    another = "" if place.python_name == prefix.PYTHON else f" {place.python_name}"
    return place.folder / f"{PROJECT}{another}"


def project_in(place: Wine) -> Path:
    """Make the project that is built and launched: the two files of each project, and sidecars."""
    project = project_folder(place)
    project.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "tasks.py": "from commands import program\n\nnamespace = program(__file__)\n",
        "noxfile.py": "from spike.build import nox_sessions\n\nnox_sessions.declare(__file__)\n",
    }.items():
        (project / name).write_text(text, encoding="utf-8")
    # What an earlier run has found must not stand for what this one does not.
    shutil.rmtree(project / "benchmarks", ignore_errors=True)
    for source in (workspace.HELLO, EXAMPLE):
        copy = project / source
        shutil.rmtree(copy, ignore_errors=True)
        copies.stage(load(TOOL / source), copy)
    return project


@dataclass(frozen=True, kw_only=True)
class Proof:
    """All steps, one after the other.

    Attributes:
        place: A started Wine.
        project: From :func:`project_in`.
        compiler: What compiles Nuitka's C.
        step_s: How long one of them may take.
        steps: What came of the steps so far.
    """

    place: Wine
    project: Path
    compiler: Compiler
    step_s: float = STEP_S
    steps: list[Step] = field(default_factory=list)

    @property
    def host_programs(self) -> Mapping[str, str]:
        """What tells a command where supervisor and launcher are, once they are compiled."""
        programs = rust.programs(self.place.folder / "rust-target")
        return {HOST_PROGRAMS_VARIABLE: prefix.windows_path(programs)}

    def host(self) -> rust.Rust | None:
        """Run the supervisor's and the launcher's own tests, and compile both.

        Returns:
            How they were compiled; None where they cannot be, which a step says.
        """
        log = self.place.folder / "logs" / "supervisor-and-launcher.log"
        log.parent.mkdir(exist_ok=True)
        name = "the supervisor's and the launcher's own tests"
        try:
            found = rust.find(self.place.folder, self.place.log)
            rust.compiled(found, self.place.folder / "rust-target", self.place.log)
        except SpikeError as error:
            self.steps.append(Step(name=name, ok=False, said=str(error)))
            return None
        limit_s = min(rust.TESTS_S, 2 * self.step_s)  # most of them compile first
        code, again = self._with_a_server(lambda: rust.tried(found, self.place, log, limit_s))
        said = rust.summary(log.read_text(encoding="utf-8", errors="replace")) + again
        if code is None:
            said = self._hung(f"{said}; not over after {limit_s:.0f} s")
        self.steps.append(Step(name=name, ok=code == 0, said=said, exit_code=code))
        return found

    def host_checked(self, found: rust.Rust) -> None:
        """Have the whole host checked for Windows: application, plugin, their tests."""
        log = self.place.folder / "logs" / "cargo-check.log"
        done = rust.host_checked(found, self.place.folder / "rust-target", log)
        last = next((line for line in reversed(done.output.splitlines()) if line.strip()), "")
        name = f"cargo check of the whole host for {rust.TARGET}"
        self.steps.append(Step(name=name, ok=done.ok, said=last, exit_code=done.exit_code))

    def lives(self, times: int) -> None:
        """Try every variant behind the supervisor, and the folders behind the launcher as well.

        Args:
            times: Lives of each variant that end in each way.
        """
        programs = self.host_programs[HOST_PROGRAMS_VARIABLE]
        words = ("--programs", programs, "--times", str(times))
        self.step("lives behind the supervisor", None, "-m", "spike.wine.lives", *words)

    def random_lives(self, lifecycles: int) -> None:
        """Send every variant through so many random lives behind the supervisor."""
        chaos = ("-m", "invoke", "chaos", "--lifecycles", str(lifecycles))
        self.step("invoke chaos", None, *chaos, env=self.host_programs)

    def hello(self, packagers: Sequence[str], launches: int) -> None:
        """Run the tool's own tests, and build and launch the hello sidecar.

        Args:
            packagers: Names of those that build.
            launches: Of each variant.
        """
        self.tests("the launcher's own tests", TESTS)
        self.tests("the tests of projects and of the issue log", TESTS_OF_PROJECTS)
        for name in packagers:
            self.build(name, workspace.HELLO)
        bench = ("-m", "invoke", "bench", "--launches", str(launches))
        self.step("invoke bench", None, *bench)
        self.steps.extend(of_launches(self._samples("reliability"), launches))

    def tests(self, name: str, paths: Sequence[str]) -> None:
        """Run tests of the tool."""
        rootdir = ("--rootdir", prefix.windows_path(TOOL), "-p", "no:cacheprovider")
        tests = [prefix.windows_path(TOOL / path) for path in paths]
        self.step(name, None, "-m", "pytest", "-q", *rootdir, *tests)

    def more(self, packagers: Sequence[str]) -> None:
        """Build and launch the example, and see what is the same on every system."""
        for name in packagers:
            self.build(name, EXAMPLE)
        invoke = ("-m", "invoke")
        example = ("--sidecar", EXAMPLE, "--launches", "5")
        self.step(f"invoke bench of {EXAMPLE}", None, *invoke, "bench", *example)
        self.step("invoke complexity", None, *invoke, "complexity")
        # A python.exe is on the path of everything that is run there.
        program = ("python", prefix.windows_path(TOOL / CONTRACT / "main.py"))
        self.step(f"invoke contract of {CONTRACT}", None, *invoke, "contract", "--", *program)

    def overview(self) -> None:
        """See that the commands are known, and what they say of everything that has run."""
        self.step("invoke --list", None, "-m", "invoke", "--list")
        self.step("invoke status", None, "-m", "invoke", "status")
        self.a_verdict_will_do()

    def faults(self, packagers: Sequence[str], env: Mapping[str, str]) -> None:
        """Run the fault cases on every variant.

        Args:
            packagers: Names of those that build.
            env: Where supervisor and launcher are, for the cases behind them.
        """
        for name in packagers:
            self.build(name, PROBE)
        self.step("invoke faults", None, "-m", "invoke", "faults", env=env)
        self.enough_faults_tried()

    def build(self, packager: str, sidecar: str) -> None:
        """Build the default modes of a packager as its Nox session does."""
        own = TOOL / "locks" / f"{packager}.txt"
        words = ["-m", "spike.build", packager, "--lock", prefix.windows_path(own)]
        locks = [own]
        if sidecar != workspace.HELLO:
            folder = TOOL / sidecar if sidecar == PROBE else self.project / sidecar
            words += ["--sidecar", prefix.windows_path(folder)]
            locks += [lock] if (lock := folder / LOCK_NAME).is_file() else []
        name = sidecar.rpartition("/")[2]
        self.step(f"{packager} builds {name}", packager, *words, locks=locks)

    def step(
        self,
        name: str,
        packager: str | None,
        *words: str,
        locks: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run something by the Python of a packager, or by that of the tools.

        Args:
            name: Of the step.
            packager: Whose Python; None for that of the tools.
            words: What it is given.
            locks: What the packager's environment holds.
            env: More changes to the environment.
        """
        log = self.place.folder / "logs" / (re.sub(r"\W+", "-", name) + ".log")
        log.parent.mkdir(exist_ok=True)
        environment = dict(env or {})
        if packager == "nuitka":
            environment |= {
                **self.compiler.environment(),
                "CC": prefix.windows_path(self.compiler.gcc),
            }
        left_out = () if packager else (*prefix.NOT_UNDER_WINE, *prefix.NOT_NEEDED)
        locks = locks or [TOOL / "locks" / f"{packager or 'tools'}.txt"]
        place = "-".join([packager or "tools", *(lock.parent.name for lock in locks[1:])])
        try:
            python = self.place.with_locks(place, *locks, without=left_out)
            done, again = self._with_a_server(
                lambda: self.place.run(
                    python,
                    words,
                    project=self.project,
                    log=log,
                    env=environment,
                    timeout_s=self.step_s,
                )
            )
        except SpikeError as error:
            self.steps.append(Step(name=name, ok=False, said=str(error)))
            return
        last = [line for line in done.output.splitlines() if line.strip()][-1:]
        said = (last or [""])[0][:120] + again
        if done.timed_out:
            said = self._hung(f"not over after {self.step_s:.0f} s: {said}")
        self.steps.append(
            Step(
                name=name,
                ok=done.ok,
                said=said,
                exit_code=done.exit_code,
                crashed="Traceback (most recent call last)" in log.read_text("utf-8", "replace"),
            )
        )

    def _with_a_server(self, run: Callable[[], Tried]) -> tuple[Tried, str]:
        """Run something; again, and that is said, where Wine's server has died meanwhile."""
        lost = 0
        while True:
            result = run()
            if not self.place.watch.crashed:
                again = f"; again, since Wine's server had crashed ({lost})" if lost else ""
                return result, again
            lost += 1
            print("Wine's server has crashed, and Wine is started anew", flush=True)  # noqa: T201
            self.place.stop()
            self.place.start()
            if lost == TRIES:
                return result, f"; Wine's server has crashed in each of {TRIES} tries"

    def _hung(self, said: str) -> str:
        """Show what still runs, and give the next step a Wine in which nothing does."""
        print("\n".join(["still running in Wine:", *self.place.running()]))  # noqa: T201
        self.place.stop()
        self.place.start()
        return said

    def enough_faults_tried(self) -> None:
        """Look into the result of the step before; see :func:`of_faults`."""
        self.a_verdict_will_do()
        self.steps.extend(of_faults(self._samples("faults", "partial/faults-*")))

    def a_verdict_will_do(self) -> None:
        """The step before may end with 1: done, and a target is missed. A traceback may not."""
        last = self.steps[-1]
        ok = last.exit_code == EXIT_OK or (last.exit_code == EXIT_GOAL_MISSED and not last.crashed)
        self.steps[-1] = replace(last, ok=ok)

    def _samples(self, name: str, *patterns: str) -> list[dict[str, Any]]:
        """The samples of the newest result of a benchmark; none, which is said, without one."""
        folder = self.project / "benchmarks" / "results" / "windows-x64"
        found = [
            path
            for pattern in (name, *patterns)
            for path in folder.glob(f"{pattern}.json*")
            if "incomplete" not in path.name
        ]
        if not found:
            self.steps.append(Step(name=f"the result of {name}", ok=False, said="there is none"))
            return []
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        samples: list[dict[str, Any]] = json.loads(jsonfile.text(newest, remedy=""))["samples"]
        return samples


def of_launches(samples: Sequence[Mapping[str, Any]], launches: int) -> list[Step]:
    """A step for each target of a bench: every launch is good, where the plan's bar is nine of ten.

    Args:
        samples: Of the result.
        launches: How many there have to be of each.
    """
    good = Counter(each["target"] for each in samples if each["failure"] is None)
    return [
        Step(
            name=f"launches of {name}",
            ok=good[name] == launches,
            said=f"{good[name]} of {launches} good",
        )
        for name in dict.fromkeys(each["target"] for each in samples)
    ]


def of_faults(samples: Sequence[Mapping[str, Any]]) -> list[Step]:
    """A step for each variant: how many cases could be judged, and which of them failed.

    A failed case is a finding, and some are Wine's own: the bar is that cases can be tried.
    """
    steps = []
    for name in dict.fromkeys(each["target"] for each in samples if "+" not in each["target"]):
        mine = [each for each in samples if each["target"] == name]
        judged = [each for each in mine if each["status"] != "not run"]
        failed = ", ".join(each["case"] for each in judged if each["status"] == "fail")
        broken = ", ".join(each["case"] for each in mine if each.get("broken"))
        said = f"{len(judged)} of {len(mine)} judged; fail: {failed or 'none'}"
        said += f"; broken: {broken}" if broken else ""
        ok = len(judged) >= LEAST_CASES and not broken
        steps.append(Step(name=f"fault cases on {name}", ok=ok, said=said))
    return steps


def render(steps: Sequence[Step]) -> str:
    """The steps as a table."""
    return table(
        ["under Wine", "held", "said last"],
        [[step.name, "yes" if step.ok else "NO", step.said] for step in steps],
    )


if __name__ == "__main__":
    run_command_line(main)
