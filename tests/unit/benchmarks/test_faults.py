"""Hostile machines: how a session is judged, what a run keeps, and what the tables say."""

from __future__ import annotations

import ast
import graphlib
import inspect
import multiprocessing
import os
import re
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import counts, entries, needs, report, reproduce, runner, targets
from benchmarks.faults.case import all_cases, categories
from benchmarks.faults.cases.life_and_death.start import RARE_MOMENTS, _with_lost_signals
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import Need, missing
from benchmarks.faults.program import Program
from benchmarks.faults.runner import CaseRun
from benchmarks.faults.sandbox import Sandbox, remove
from benchmarks.faults.session import Session
from benchmarks.faults.supervised import strict
from benchmarks.faults.targets import FaultTarget
from benchmarks.faults.verdict import (
    CaseResult,
    NotRun,
    Observation,
    Status,
    checks,
    refuses,
    remains,
    starts_or_refuses,
    stops,
    sweep,
    worst,
)
from spike.build import buildinfo, sessions
from spike.core import process
from spike.core.errors import UsageError
from spike.core.workspace import TOOL as ROOT
from spike.measure.results import Result
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar
from tests.support.builds import VARIANT

CLEAN = Observation(ready_count=1, exit_code=0, shutdown="reason=signal signal=SIGTERM")
REFUSAL = Observation(exit_code=1, stderr=("no space left on device",))


class TestJudging:
    """The rules by which a session becomes a status."""

    def test_a_clean_session_passes(self) -> None:
        """READY, exit code 0, nothing left."""
        assert stops(CLEAN).status is Status.PASS

    @pytest.mark.parametrize(
        ("observation", "status"),
        [
            (Observation(ready_count=1, exit_code=0, processes_left=("a",)), Status.FAIL),
            (Observation(ready_count=1, exit_code=0, files_left=("a",)), Status.FAIL),
            (Observation(ready_count=2, exit_code=0), Status.FAIL),
            (Observation(ready_count=1, hung="exit"), Status.FAIL),
            (Observation(hung="READY"), Status.FAIL),
            (Observation(exit_code=0), Status.FAIL),
            (Observation(ready_count=1, exit_code=1), Status.DEGRADED),
            (Observation(ready_count=1, exit_signal="SIGTERM"), Status.DEGRADED),
            (Observation(exit_code=1), Status.DEGRADED),
            (Observation(started=False), Status.DEGRADED),
        ],
    )
    def test_what_had_to_start_and_stop(self, observation: Observation, status: Status) -> None:
        """What misleads or harms fails; what only fails in safety is degraded."""
        assert stops(observation).status is status

    def test_files_after_sigkill_are_degraded_and_processes_are_not(self) -> None:
        """SIGKILL leaves no time to tidy up, but nothing excuses an orphan."""
        files = remains(Observation(files_left=("a",), killed=True))
        processes = remains(Observation(processes_left=("a",), killed=True))
        assert files is not None
        assert files.status is Status.DEGRADED
        assert processes is not None
        assert processes.status is Status.FAIL

    def test_a_refusal_that_names_the_cause_passes(self) -> None:
        """The user can act on it."""
        assert starts_or_refuses(REFUSAL, cause="no space").status is Status.PASS

    @pytest.mark.parametrize(
        ("observation", "status"),
        [
            (Observation(exit_code=1, stderr=("mystery",)), Status.DEGRADED),
            (Observation(exit_code=1), Status.DEGRADED),
            (Observation(exit_signal="SIGSEGV", stderr=("no space",)), Status.DEGRADED),
            (Observation(exit_code=0, stderr=("no space",)), Status.FAIL),
            (Observation(exit_code=1, stderr=("no space",), files_left=("a",)), Status.FAIL),
            (Observation(hung="READY", stderr=("no space",)), Status.FAIL),
        ],
    )
    def test_other_refusals_are_not(self, observation: Observation, status: Status) -> None:
        """No cause, a crash: degraded. A false 0, leftovers, a hang: fail."""
        assert refuses(observation, cause="no space").status is status

    def test_a_report_is_judged_by_its_checks_and_not_by_its_facts(self) -> None:
        """Capitalised entries are facts; an empty text is a passed check."""
        observation = Observation(exit_code=0, report={"good": "", "Fact": "anything"})
        assert checks(observation).status is Status.PASS
        observation = Observation(exit_code=0, report={"bad": "a reason", "Fact": "anything"})
        assert checks(observation).status is Status.DEGRADED
        assert checks(observation, grave=("bad",)).status is Status.FAIL
        assert checks(observation, ignore=("bad",)).status is Status.PASS

    def test_a_probe_without_a_report_fails(self) -> None:
        """Exit code 0 alone proves nothing."""
        assert checks(Observation(exit_code=0)).status is Status.FAIL

    def test_the_worst_of_several_counts_and_is_named(self) -> None:
        """A good one does not hide a bad one."""
        result = worst({"a": stops(CLEAN), "b": stops(Observation(ready_count=1, hung="exit"))})
        assert result.status is Status.FAIL
        assert result.detail.startswith("b: ")

    def test_a_sweep_counts_and_keeps_the_worst(self) -> None:
        """Counts by what was case_run; the detail of the worst one."""
        bad = stops(Observation(ready_count=1, hung="exit"))
        result = sweep([("fine", stops(CLEAN)), ("hung", bad), ("fine", stops(CLEAN))], of="tries")
        assert result.status is Status.FAIL
        assert result.counts == {"fine": 2, "hung": 1}
        assert result.detail.startswith("of 3 tries: 2 fine, 1 hung. Worst: hung")


class TestLostSignals:
    """A signal that meets the start of an interpreter may be lost by chance."""

    @pytest.mark.parametrize(
        ("lost", "status"),
        [
            (0, Status.PASS),
            (RARE_MOMENTS, Status.PASS),
            (RARE_MOMENTS + 1, Status.DEGRADED),
        ],
    )
    def test_a_few_are_counted_and_many_are_judged(self, lost: int, status: Status) -> None:
        """Chance does not change a verdict; a wide window does."""
        judged = [("stopped as asked", stops(CLEAN))] * 20
        result = sweep(_with_lost_signals(judged, set(range(lost))), of="moments")
        assert result.status is status
        assert result.counts.get("needed a second signal", 0) == lost

    def test_what_is_worse_stays_worse(self) -> None:
        """Files left are not excused by a lost signal."""
        judged = [("left files", stops(Observation(ready_count=1, exit_code=0, files_left=("a",))))]
        assert _with_lost_signals(judged, {0}) == judged


class TestStrictly:
    """Our own code in front of a variant."""

    def test_nothing_may_be_left_even_after_sigkill(self) -> None:
        """What is degraded for a packager fails for us."""
        result = remains(Observation(files_left=("a",), killed=True))
        assert result is not None
        assert strict(result).status is Status.FAIL

    def test_a_sweep_with_one_try_that_left_files_fails(self) -> None:
        """Also when the worst try was another one."""
        result = sweep([("left files", stops(CLEAN)), ("fine", stops(CLEAN))], of="tries")
        assert strict(result).status is Status.FAIL

    def test_what_is_the_packagers_own_is_not_held_against_us(self) -> None:
        """Such as the name under which a signal arrives."""
        assert strict(stops(Observation(ready_count=1, exit_code=1))).status is Status.PASS

    def test_a_hang_stays_a_failure(self) -> None:
        """Whoever is to blame."""
        assert strict(stops(Observation(ready_count=1, hung="exit"))).status is Status.FAIL


class TestCases:
    """The registry."""

    def test_there_are_at_least_fifty_in_five_categories(self) -> None:
        """The bar of the suite."""
        cases = all_cases()
        assert len(cases) >= 50
        assert {one.category for one in cases.values()} == set(categories())

    def test_every_case_states_what_a_user_may_expect(self) -> None:
        """A sentence, before anything is run, and no two the same."""
        sentences = [one.expectation for one in all_cases().values()]
        assert all(re.fullmatch(r"[A-Z_a-z0-9/\-].{10,}[.]", text) for text in sentences)
        assert len(set(sentences)) == len(sentences)

    def test_cases_are_chosen_by_name_or_category(self) -> None:
        """In the registry's order, each once."""
        chosen = runner.select(["platform", "sigterm_at_rest", "bare_root"])
        assert chosen[0].name == "sigterm_at_rest"
        assert len({one.name for one in chosen}) == len(chosen)
        assert {one.category for one in chosen[1:]} == {"platform"}

    def test_a_mistyped_case_is_an_error_that_names_the_near_ones(self) -> None:
        """And the command that lists them all."""
        with pytest.raises(UsageError, match="sigterm_at_rest") as caught:
            runner.select(["sigterm_at_reste"])
        assert "--list" in str(caught.value)

    @pytest.mark.parametrize("name", ["sigterm_at_reste", "life_and_death"])
    def test_a_reproduction_is_of_one_case(self, name: str) -> None:
        """A typing mistake and a whole category are mistakes that are explained."""
        with pytest.raises(UsageError, match=f"There is no case '{name}'"):
            reproduce.main([name, "nuitka-onefile"])

    def test_the_supervisor_goes_through_life_and_death_only(self) -> None:
        """The other categories are about the packager."""
        program = Program(artifact=Path("/bin/true"), folder=None)
        target = FaultTarget(id="supervised", hello=program, probe=None, supervisor=True)
        work = runner.jobs(runner.select([]), [target])
        assert {one.category for one, _ in work} == {"life_and_death"}


class TestReproducing:
    """When an entry of the issue log is still true."""

    @pytest.mark.parametrize(
        ("status", "words", "still"),
        [
            (Status.FAIL, "", True),
            (Status.DEGRADED, "files left", True),
            (Status.DEGRADED, "expected", False),
            (Status.FAIL, "another thing", False),
            (Status.PASS, "files left", False),
        ],
    )
    def test_it_does_not_pass_and_shows_the_words(
        self, status: Status, words: str, still: bool
    ) -> None:
        """What a case expects is not what it saw."""
        result = CaseResult(status=status, detail="3 files left")
        case_run = CaseRun(target="one", case="sigterm_at_rest", result=result)
        assert reproduce.shows(case_run, words) is still


class TestPlatforms:
    """Which cases can be tried where."""

    def test_linux_can_try_every_case(self) -> None:
        """It is where they were written."""
        assert not [one.name for one in all_cases().values() if one.not_on("linux")]

    def test_windows_can_try_more_than_forty(self) -> None:
        """And says of every other one why it cannot."""
        cases = all_cases().values()
        assert len([one for one in cases if not one.not_on("windows")]) >= 40

    @pytest.mark.parametrize(
        "uses",
        [
            r"SIGHUP|SIGQUIT|SIGSTOP|_clean_stop\(|\b_fatal\(",
            r"\.namespace\(|_with_tmp\(",
            r"\blimits\(",
            r"umask|chmod\(0o644\)|chown",
            r"LC_ALL",
            r"\"LD_LIBRARY_PATH\":",
            r"/proc/|processes\(\)",
            r"setpriv|_as_nobody",
            r"readelf|\bldd\b|_bare_root",
            r"\bshell\(|/bin/bash",
            r"group=True",
            r"_wait_until_full|unread_bytes",
        ],
    )
    def test_what_only_posix_has_is_not_said_to_work_on_windows(self, uses: str) -> None:
        """Nobody forgets to say what a case uses."""
        using = [
            one for one in all_cases().values() if re.search(uses, inspect.getsource(one.function))
        ]
        assert using
        assert not [one.name for one in using if not one.not_on("windows")]

    def test_a_case_that_asks_the_probe_says_so(self) -> None:
        """Else it would be not run, or broken, where the probe is not built."""
        for one in all_cases().values():
            asks = re.search(r"\.ask\(|sandbox\.probe", inspect.getsource(one.function))
            assert bool(asks) == (Need.PROBE in one.needs), one.name

    def test_the_list_for_a_platform_says_what_applies_and_why_others_do_not(self) -> None:
        """With counts, so that nobody takes the list for all there is."""
        text = report.render_list(runner.select(["fork_and_exit", "home_unset"]), "windows")
        assert "1 of 2 cases can be tried on windows." in text
        assert re.search(r"\| home_unset *\|", text.split("Not on windows:")[0])
        assert "- fork_and_exit: there is no fork" in text.split("Not on windows:")[1]

    def test_a_case_that_cannot_be_tried_here_says_why(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the row of a result, never in silence."""
        monkeypatch.setattr(sys, "platform", "win32")
        case_run = runner.run_one("fork_and_exit", _target(), seed=1)
        assert (case_run.status, case_run.reason) == (
            Status.NOT_RUN,
            "not on windows: there is no fork",
        )


def test_the_modules_of_the_suite_lie_on_floors() -> None:
    """None imports one that imports it, directly or through others, inside functions neither."""
    folder = ROOT / "benchmarks" / "faults"
    paths = [path for path in folder.rglob("*.py") if "probe" not in path.parts]
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        imports: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                imports |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        graph[name] = (imports & names.keys()) - {name, "benchmarks.faults"}
    assert any(graph.values())
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises where there is a circle


class TestAnotherCase:
    """A case more is one function in one file, and nothing else."""

    TOY = '''"""Toys: cases that no machine needs."""

from benchmarks.faults.case import case
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import CaseResult, stops


@case("A toy that asks for nothing: it starts.")
def toy_case(sandbox: Sandbox) -> CaseResult:
    """A plain session."""
    return stops(sandbox.run())
'''

    RUN = """
import sys
from pathlib import Path
from benchmarks.faults import runner
from benchmarks.faults.program import Program
from benchmarks.faults.targets import FaultTarget

program = Program(artifact=Path(sys.argv[1]), folder=None)
case_run = runner.run_one("toy_case", FaultTarget(id="toy", hello=program, probe=None), 1)
print(case_run.status, case_run.reason or case_run.result.detail)
"""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        """The code of this repository, with a topic more in the category `places`."""
        for name in ("benchmarks", "commands", "decision", "spike", "issues", "sidecar"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("results"))
        for name in ("tasks.py", "pyproject.toml"):
            shutil.copy2(ROOT / name, tmp_path / name)
        toy = tmp_path / "benchmarks" / "faults" / "cases" / "places" / "toys.py"
        toy.write_text(self.TOY, encoding="utf-8")
        return tmp_path

    def test_it_is_listed(self, copy: Path) -> None:
        """With its category, by its own name and by the name of its file."""
        for name in ("toy_case", "toys"):
            listed = process.capture(
                [sys.executable, "-m", "invoke", "faults", "--list", "--case", name], cwd=copy
            )
            assert listed.ok, listed.errors
            assert re.search(r"places *\| toy_case *\| A toy that asks for nothing", listed.output)

    @pytest.mark.skipif(sys.platform != "linux", reason="the suite is for Linux")
    @pytest.mark.parametrize(
        ("script", "says"),
        [
            ("trap 'exit 0' TERM\necho READY\nwhile :; do sleep 0.01; done", "pass READY, then"),
            (
                "trap 'exit 3' TERM\necho READY\nwhile :; do sleep 0.01; done",
                "degraded exited with 3 after READY",
            ),
        ],
    )
    def test_it_runs(self, copy: Path, script: str, says: str) -> None:
        """Its verdict is that of the program: a toy that stops as asked, and one that fails."""
        program = copy / "program"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        done = process.capture([sys.executable, "-c", self.RUN, str(program)], cwd=copy)
        assert done.output.startswith(says), done.output + done.errors


def _target() -> FaultTarget:
    program = Program(artifact=Path("/bin/true"), folder=None)
    return FaultTarget(id="x", hello=program, probe=None, probe_problem="the probe is not built")


class TestRunning:
    """One case on one target."""

    def test_an_unmet_need_is_not_run_with_the_reason(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Never passed."""
        monkeypatch.setenv("PATH", "/nonexistent")
        assert "readelf" in missing(Need.READELF)
        case_run = runner.run_one("oldest_glibc", _target(), seed=1)
        assert case_run.status is Status.NOT_RUN
        assert "readelf is not on PATH" in case_run.reason
        assert not case_run.broken

    def test_without_a_probe_its_cases_are_not_run(self) -> None:
        """The reason says what is missing."""
        case_run = runner.run_one("abort", _target(), seed=1)
        assert (case_run.status, case_run.reason) == (Status.NOT_RUN, "the probe is not built")

    def test_a_case_that_fails_itself_is_said_to_be_broken(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is no verdict on the packager, and it ends no run."""

        def fails(sandbox: Sandbox) -> CaseResult:
            raise ZeroDivisionError("a mistake")

        one = all_cases()["sigterm_at_rest"]
        monkeypatch.setattr(
            runner, "all_cases", lambda: {"x": type(one)(**{**vars(one), "function": fails})}
        )
        case_run = runner.run_one("x", _target(), seed=1)
        assert case_run.broken
        assert case_run.status is Status.NOT_RUN
        assert "ZeroDivisionError: a mistake" in case_run.reason

    def test_a_case_can_say_that_it_cannot_be_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A mount that the kernel refuses is not the packager's fault."""

        def cannot(sandbox: Sandbox) -> CaseResult:
            raise NotRun("no mounts here")

        one = all_cases()["sigterm_at_rest"]
        monkeypatch.setattr(
            runner, "all_cases", lambda: {"x": type(one)(**{**vars(one), "function": cannot})}
        )
        case_run = runner.run_one("x", _target(), seed=1)
        assert (case_run.status, case_run.reason, case_run.broken) == (
            Status.NOT_RUN,
            "no mounts here",
            False,
        )

    def test_a_sample_keeps_the_evidence_but_no_thousand_file_names(self) -> None:
        """The number of files left, and a few of their names."""
        result = CaseResult(
            status=Status.FAIL,
            detail="left",
            files_left=tuple(f"f{i}" for i in range(100)),
            stderr=("said",),
        )
        sample = CaseRun(target="t", case="c", result=result, elapsed_s=1.23456).as_sample()
        assert sample["files_left"] == 100
        assert len(sample["files_left_sample"]) == runner.FILES_SAMPLE
        assert sample["stderr"] == ("said",)
        assert sample["elapsed_s"] == 1.235


@pytest.mark.skipif(sys.platform != "linux", reason="the suite is for Linux")
class TestSessions:
    """A session with programs of the system in place of frozen ones."""

    def test_nothing_of_the_callers_environment_gets_in(self, tmp_path: Path) -> None:
        """Cases must not depend on the shell that runs the suite."""
        program = Program(artifact=Path("/usr/bin/env"), folder=None)
        with Session(program, Conditions(), tmp_path / "session") as session:
            session.until_exit()
            observation = session.end()
        names = {line.partition("=")[0] for line in observation.stdout}
        assert names == {"PATH", "LANG", "HOME", "TMPDIR", "SPIKE_LAUNCH_MARK"}

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
    def test_signals_that_the_caller_ignores_work_all_the_same(
        self, number: signal.Signals, tmp_path: Path
    ) -> None:
        """A shell's background and nohup have them ignored; the programs of the suite do not."""
        before = signal.signal(number, signal.SIG_IGN)
        try:
            program = Program(artifact=Path("/bin/sleep"), folder=None)
            with Session(program, Conditions(args=("9",)), tmp_path / "session") as session:
                session.read(0.1)
                session.stop(number)
                observation = session.end()
        finally:
            signal.signal(number, before)
        assert observation.exit_signal == number.name

    def test_what_the_system_refuses_to_start_is_so_whatever_the_caller_ignores(
        self, tmp_path: Path
    ) -> None:
        """No helper stands in front of the program, whose own exit code would be taken for it."""
        path = tmp_path / "program"
        path.write_bytes(b"")
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            program = Program(artifact=path, folder=None)
            with Session(program, Conditions(), tmp_path / "session") as session:
                observation = session.end()
        finally:
            signal.signal(signal.SIGHUP, before)
        assert not observation.started

    def test_an_orphan_is_found_timed_and_ended(self, tmp_path: Path) -> None:
        """Though its parent is gone and it has a session of its own."""
        script = tmp_path / "script"
        script.write_text("#!/bin/sh\nsetsid sleep 0.4 >/dev/null 2>&1 </dev/null &\necho READY\n")
        script.chmod(0o755)
        with Session(
            Program(artifact=script, folder=None), Conditions(), tmp_path / "session"
        ) as session:
            session.until_ready()
            session.until_exit()
            observation = session.end()
        assert observation.processes_left == ()
        assert observation.orphan_ms is not None
        assert observation.orphan_ms > 100

    def test_files_left_are_named_with_their_place(self, tmp_path: Path) -> None:
        """The temporary folder and the working folder are searched."""
        script = tmp_path / "script"
        script.write_text('#!/bin/sh\necho READY\ntouch "$TMPDIR/one" two\n')
        script.chmod(0o755)
        with Session(
            Program(artifact=script, folder=None), Conditions(), tmp_path / "session"
        ) as session:
            session.until_ready()
            session.until_exit()
            observation = session.end()
        assert observation.files_left == ("tmp/one", "cwd/two")

    def test_no_path_of_this_machine_is_published(self, tmp_path: Path) -> None:
        """What stderr says is cleaned of the repository's and the scratch's folders."""
        script = tmp_path / "script"
        script.write_text(f"#!/bin/sh\necho {ROOT}/dist {tmp_path}/x {Path.home()}/y >&2\n")
        script.chmod(0o755)
        with Session(
            Program(artifact=script, folder=None), Conditions(), tmp_path / "session"
        ) as session:
            session.until_exit()
            observation = session.end()
        assert observation.stderr == ("<repository>/dist <scratch>/x ~/y",)

    def test_a_folder_without_rights_is_removed_all_the_same(self, tmp_path: Path) -> None:
        """A case may have taken them away."""
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        (inner / "file").touch()
        inner.chmod(0)
        remove(tmp_path / "a")
        assert not (tmp_path / "a").exists()


def _sample(case: str, target: str, status: Status, **more: Any) -> dict[str, Any]:
    return {"case": case, "target": target, "status": status.value, "elapsed_s": 1.0, **more}


def _result(*samples: dict[str, Any]) -> Result:
    return Result(
        benchmark="faults",
        sidecar="sidecar-hello",
        sidecar_version="0.1.0",
        complete=True,
        provenance={},
        settings={},
        targets={"one": {}, "two": {}},
        samples=samples,
        elapsed_s=1.0,
    )


class TestReporting:
    """The tables."""

    def test_our_own_code_is_told_apart(self) -> None:
        """A variant's counts are its own; what stands behind the supervisor has a paragraph."""
        result = replace(
            _result(
                _sample("sigterm_at_rest", "one", Status.PASS),
                _sample("sigterm_at_rest", "supervisor+one", Status.FAIL, detail="left"),
            ),
            targets={"one": {}, "supervisor+one": {}},
        )
        text = report.render(result, {})
        assert "0 of 1 that could be run pass" in text
        assert re.search(r"supervisor\+one *\| fail *\| left", text)
        assert "1 of 1 pass for every variant: `sigterm_at_rest`." in text

    def test_what_was_run_nowhere_is_told_once(self) -> None:
        """It is in no table; its reason stands once, with the variants that share it."""
        targets: dict[str, dict[str, Any]] = {"one": {}, "two": {}, "supervisor+one": {}}
        lacking = "not on windows: no signals"
        result = _result(
            *(_sample("sigterm_at_rest", name, Status.NOT_RUN, detail=lacking) for name in targets),
            _sample("sigint_at_rest", "one", Status.PASS),
            _sample("sigint_at_rest", "two", Status.NOT_RUN, detail="no room"),
        )
        text = report.render(replace(result, targets=targets), {})
        assert "1 of 2 could be run on no variant" in text
        assert "- all, 1 of 2 cases: not on windows: no signals (`sigterm_at_rest`)" in text
        assert "- two, 1 of 2 cases: no room (`sigint_at_rest`)" in text
        assert "- supervisor+one, 1 of 1 cases: not on windows" in text
        assert "0 of 0 that could be run pass" in text
        assert text.count("sigterm_at_rest") == 2

    def test_variants_that_show_the_same_stand_together(self) -> None:
        """Not where they have other entries, or another status."""
        said = {"one": "exited with 2", "two": "exited with 2", "three": "exited with 1"}
        result = _result(
            *(_sample("argv0", name, Status.DEGRADED, detail=text) for name, text in said.items()),
            *(_sample("recursion", name, Status.FAIL, detail="no report") for name in said),
        )
        entries = {("recursion", "one"): "0014", ("recursion", "three"): "0014"}
        targets: dict[str, dict[str, Any]] = {name: {} for name in said}
        text = report.render(replace(result, targets=targets), entries)
        lines = [re.sub(" +", " ", line) for line in text.splitlines()]
        assert "| argv0 | one, two | exited with 2 |" in lines
        assert "| argv0 | three | exited with 1 |" in lines
        assert "| recursion | one, three | no report | 0014 |" in lines
        assert "| recursion | two | no report | none |" in lines

    def test_the_worst_repetition_counts_and_a_change_is_said(self) -> None:
        """Verdicts have to be the same in every repetition."""
        result = _result(
            _sample("sigterm_at_rest", "one", Status.PASS),
            _sample("sigterm_at_rest", "one", Status.FAIL, detail="left"),
        )
        (cell,) = counts.cells(result)
        assert (cell.status, cell.stable) == (Status.FAIL, False)
        assert counts.unstable([cell]) == ["sigterm_at_rest on one"]
        assert "Not the same in every repetition: sigterm_at_rest on one." in report.render(
            result, {}
        )

    def test_not_run_is_counted_apart_and_never_as_passed(self) -> None:
        """With its reason in the text, and of how many cases."""
        result = _result(
            _sample("bare_root", "one", Status.NOT_RUN, reason="needs root"),
            _sample("bare_root_with_zlib", "one", Status.NOT_RUN, reason="needs root"),
            _sample("sigterm_at_rest", "one", Status.PASS),
        )
        tally = counts.tallies(counts.cells(result))["one"]
        assert (tally.run, tally.of) == (1, 3)
        assert tally.text(Status.NOT_RUN) == "2 of 3"
        assert tally.text(Status.PASS) == "1 of 1"
        line = "- one, 2 of 3 cases: needs root (`bare_root`, `bare_root_with_zlib`)"
        assert line in report.render(result, {}).splitlines()

    def test_a_count_never_stands_without_what_it_is_of(self) -> None:
        """In the table of a variant: run of all, each status of those run, each category too."""
        result = _result(
            _sample("sigterm_at_rest", "one", Status.FAIL, detail="left"),
            _sample("home_unset", "one", Status.PASS),
            _sample("bare_root", "one", Status.NOT_RUN, reason="needs root"),
        )
        row = report.render(result, {}).splitlines()[2]
        words = [word.strip() for word in row.strip("|").split("|")]
        assert words[:5] == ["one", "2 of 3", "1 of 2", "0 of 2", "1 of 2"]
        assert words[5:] == ["1 of 1", "0 of 1", "0 of 0"]

    def test_only_what_every_variant_went_through_is_compared(self) -> None:
        """A case that one cannot be tried on would count for it otherwise, and it is said."""
        result = _result(
            _sample("recursion", "one", Status.FAIL, detail="crash"),
            _sample("recursion", "two", Status.NOT_RUN, reason="the probe does not fit"),
            _sample("sigterm_at_rest", "one", Status.PASS),
            _sample("sigterm_at_rest", "two", Status.DEGRADED, detail="less"),
        )
        counted = counts.tallies(counts.comparable(counts.cells(result)))
        assert counted["one"].text(Status.FAIL) == "0 of 1"
        assert counted["two"].text(Status.DEGRADED) == "1 of 1"
        text = report.render(result, {})
        said = (
            "Compared on the 1 of 2 cases that were run on every variant; the other 1 say nothing"
        )
        assert said in text
        ranking = text.split("Compared on")[1].split("\n\n")[1].splitlines()
        assert [line.split("|")[1].strip() for line in ranking[2:]] == ["one", "two"]

    @pytest.mark.parametrize("command", [entries.REPRODUCE, entries.REPRODUCE_ELSEWHERE])
    def test_what_fails_needs_an_entry_in_the_issue_log(self, tmp_path: Path, command: str) -> None:
        """An entry names the case and the variants with the command that reproduces it."""
        (tmp_path / "0042-title.md").write_text(
            f"1. `{command} sighup_at_rest one three`\n", encoding="utf-8"
        )
        known = entries.entries_by_cell(tmp_path)
        assert known == {("sighup_at_rest", "one"): "0042", ("sighup_at_rest", "three"): "0042"}
        result = _result(
            _sample("sighup_at_rest", "one", Status.FAIL, detail="files left"),
            _sample("sighup_at_rest", "two", Status.FAIL, detail="files left"),
        )
        cells = counts.cells(result)
        assert entries.unlogged(cells, known) == ["sighup_at_rest on two"]
        text = report.render(result, known)
        assert re.search(r"sighup_at_rest *\| one *\| files left *\| 0042", text)
        assert re.search(r"sighup_at_rest *\| two *\| files left *\| none", text)

    def test_a_command_about_another_program_is_no_entry_for_the_hello_sidecar(
        self, tmp_path: Path
    ) -> None:
        """Options are no variants, and --sidecar names a program of the entry's own."""
        (tmp_path / "0042-title.md").write_text(
            f"1. `{entries.REPRODUCE} sigkill_at_rest one --sidecar issues/reproductions/x`\n"
            f'2. `{entries.REPRODUCE} sighup_at_rest two --showing "two words"`\n',
            encoding="utf-8",
        )
        assert entries.entries_by_cell(tmp_path) == {("sighup_at_rest", "two"): "0042"}

    def test_a_command_of_another_python_is_an_entry_for_that_one(self, tmp_path: Path) -> None:
        """What is seen with each is found without it."""
        (tmp_path / "0042-title.md").write_text(
            f"1. `{entries.REPRODUCE} sighup_at_rest one --python 3.1`\n"
            f"2. `{entries.REPRODUCE} sigkill_at_rest two`\n",
            encoding="utf-8",
        )
        everywhere = {("sigkill_at_rest", "two"): "0042"}
        assert entries.entries_by_cell(tmp_path) == everywhere
        assert entries.entries_by_cell(tmp_path, pythons={"3.13.1"}) == everywhere
        found = entries.entries_by_cell(tmp_path, pythons={"3.13.1", "3.1.4"})
        assert found == {("sighup_at_rest", "one"): "0042", **everywhere}

    @pytest.mark.slow
    def test_the_probe_is_of_the_python_that_the_variant_has(
        self, demo: Sidecar, another: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Built with it, and named with it where there is none."""
        asked: list[Sidecar] = []
        monkeypatch.setattr(sessions, "build", lambda probe, packagers, mode: asked.append(probe))
        built = replace(buildinfo.find(VARIANT, demo), sidecar=demo.with_python(another))
        probing = [case for case in all_cases().values() if Need.PROBE in case.needs]
        targets.build_probes([built], probing)
        assert [probe.python_name for probe in asked] == [another]
        (target,) = targets.fault_targets([built], as_hello=True)
        assert target.probe is None
        assert f"--python {another}" in target.probe_problem

    def test_no_entry_of_the_log_names_what_is_not_there(self) -> None:
        """Each case that an entry names exists, on variants that exist."""
        for case, variant in entries.entries_by_cell():
            assert case in all_cases()
            assert variant.rpartition("+")[2] in VARIANTS

    def test_cases_that_are_fine_everywhere_take_one_line(self) -> None:
        """The table is for what differs."""
        result = _result(
            _sample("sigterm_at_rest", "one", Status.PASS),
            _sample("sigterm_at_rest", "two", Status.PASS),
        )
        text = report.render(result, {})
        assert "1 of 1 pass for every variant: `sigterm_at_rest`." in text
        assert "do not pass everywhere" not in text


def test_a_pipe_that_loses_messages_is_said_and_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who waits for the message is told of its end later, when the other end is gone."""
    writer_gone = threading.Event()

    class Lossy:
        def send_bytes(self, content: bytes) -> None:
            pass

        def poll(self) -> bool:
            return False

        def recv_bytes(self) -> bytes:
            writer_gone.wait(60)
            raise EOFError

    monkeypatch.setattr(multiprocessing, "Pipe", lambda duplex: (Lossy(), Lossy()))
    monkeypatch.setattr(needs, "MESSAGE_S", 0.1)
    monkeypatch.setattr(os, "name", "nt")
    needs._messages.cache_clear()
    said = needs._messages()
    needs._messages.cache_clear()
    monkeypatch.undo()
    assert "lose a message of no bytes" in said
    writer_gone.set()
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.daemon and "read" in thread.name:
            thread.join(10)
