"""A benchmark from the command line: table, raw samples, issue log and exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.definition import Benchmark, Rows
from benchmarks.registry import BENCHMARKS
from decision.workflows import measuring
from spike.build import buildinfo
from spike.core.errors import (
    EXIT_CANNOT,
    EXIT_GOAL_MISSED,
    EXIT_OK,
    MissingBuildError,
    UsageError,
)
from spike.core.workspace import PROJECT_VARIABLE
from spike.measure import results
from spike.packagers import VARIANTS
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import sidecars, toy_benchmark
from tests.support.builds import info
from tests.support.evidence import launches

TOY = toy_benchmark.ENTRY


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """A sidecar in a project that holds nothing yet."""
    found = sidecars.hello(tmp_path / "sidecar", name="one")
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    return sidecar.load(found.folder)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ({}, EXIT_OK, "counted to 3"),
        ({"launches": 5}, EXIT_OK, "counted to 5"),
        ({"launches": 2}, EXIT_GOAL_MISSED, "target missed: 2 of 3"),
    ],
)
def test_the_answer_and_the_exit_code(
    options: dict[str, Any],
    code: int,
    says: str,
    hello: Sidecar,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The table, where the raw samples are, and what missed its bar."""
    assert measuring.run(TOY, hello, **options) == code
    said = capsys.readouterr().out
    assert says in said
    assert "raw samples: benchmarks/results/" in said
    assert "toy.json" in said


def test_a_choice_of_variants_stays_out_of_the_record(hello: Sidecar) -> None:
    """The result of whole runs is not replaced by it."""
    assert measuring.run(TOY, hello, ["nuitka-onefile"]) == EXIT_OK
    assert results.load("toy", hello, remedy="") is None
    assert list((hello.workspace.results / "partial").glob("toy-*"))


def test_too_few_repetitions_stay_out_of_the_record(hello: Sidecar) -> None:
    """Where an entry says that fewer prove nothing."""
    (option,) = TOY.options
    whole = replace(TOY, options=(replace(option, whole=True),))
    measuring.run(whole, hello, launches=2)
    assert results.load("toy", hello, remedy="") is None
    measuring.run(whole, hello, launches=3)
    assert results.load("toy", hello, remedy="") is not None


@pytest.mark.parametrize("rows", [Rows.ALL, Rows.VARIANTS])
def test_what_is_not_built_cannot_be_measured(rows: Rows, hello: Sidecar) -> None:
    """The error names the sessions that build, one for each packager."""
    with pytest.raises(MissingBuildError, match="nox -s build_nuitka build_pyinstaller"):
        measuring.choose(replace(TOY, rows=rows), hello)


def failed_run(hello: Sidecar, benchmark: Benchmark) -> results.Result:
    """A run in which one launch of a variant failed."""
    build: dict[str, Any] = {
        "packager": "nuitka",
        "packager_version": "4.3.3",
        "python_version": "3.11.7",
        "argv": ["nuitka"],
        "env": {},
        "artifact": "dist/nuitka/one",
    }
    facts = {"kind": "variant", "sha256": "a" * 64, "argv": ["one"], "build": build}
    with results.recording(
        benchmark.name, hello, targets={"nuitka-onefile": facts}, settings={}
    ) as recorder:
        for sample in launches("nuitka-onefile", 20, 1):
            row = dict(sample)
            recorder.add(row.pop("target"), row)
    return recorder.result()


@pytest.mark.parametrize(("name", "drafted"), [("reliability", 1), ("parallel", 0)])
def test_a_failed_launch_becomes_a_draft_where_it_is_the_variants_problem(
    name: str, drafted: int, hello: Sidecar
) -> None:
    """Eight at the same moment provoke what one launch after the other does not."""
    benchmark = BENCHMARKS[name]
    measuring.show(benchmark, hello, failed_run(hello, benchmark))
    assert len(list(hello.workspace.issues.glob("*.md"))) == drafted


@pytest.mark.parametrize(("asked", "drafted"), [(False, 0), (True, 1)])
def test_problems_of_another_sidecar_are_drafted_when_that_is_asked_for(
    asked: bool, drafted: int, hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is said how, where they are not."""
    other = sidecars.hello(hello.workspace.root / "elsewhere", name="other")
    benchmark = BENCHMARKS["reliability"]
    measuring.show(benchmark, other, failed_run(other, benchmark), draft=asked)
    assert len(list(other.workspace.issues.glob("*.md"))) == drafted
    said = "issue log: 1 problem is not drafted; with --draft they are"
    assert (said in capsys.readouterr().out) is not asked


@pytest.mark.parametrize("named", [False, True])
def test_one_stale_variant_is_named_and_the_others_are_measured(
    named: bool, demo: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it was asked for by name or not; the exit code says that not all could be done."""
    (demo.folder / "main.py").write_text("print('changed since')")
    changed = sidecar.load(demo.folder)
    fresh = VARIANTS["pyinstaller-onedir"]
    artifact = fresh.folder(changed) / "demo"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"program")
    artifact.chmod(0o755)
    facts = replace(info(changed, artifact), variant=fresh.id, mode="onedir")
    buildinfo.save(artifact.parent / buildinfo.FILE_NAME, facts)
    names = ("pyinstaller-onedir", "pyinstaller-onefile") if named else ()
    benchmark = replace(TOY, rows=Rows.VARIANTS)
    chosen = measuring.choose(benchmark, changed, names)
    assert [target.id for target in chosen.targets] == ["pyinstaller-onedir"]
    assert measuring.run(benchmark, changed, names) == EXIT_CANNOT
    said = capsys.readouterr().out
    assert "counted to 3" in said
    assert "not measured: pyinstaller-onefile was built from other sources" in said
    assert "Try: nox -s build_pyinstaller -- --mode onefile" in said


def test_what_was_measured_keeps_its_own_verdict_where_nothing_is_left_out() -> None:
    """A missed target is 1, and 2 where something could not be measured besides."""
    assert measuring.Chosen(targets=()).told(EXIT_GOAL_MISSED) == EXIT_GOAL_MISSED
    left_out = measuring.Chosen(targets=(), left_out=(MissingBuildError("x is not built."),))
    assert left_out.told(EXIT_GOAL_MISSED) == EXIT_CANNOT


def test_what_is_about_the_hello_sidecar_says_why(hello: Sidecar) -> None:
    """Its reason is that of its help."""
    one = replace(TOY, rows=Rows.VARIANTS, any_sidecar=False, why_hello="it asks the packager.")
    with pytest.raises(UsageError, match=r"another one\. it asks the packager"):
        measuring.choose(one, hello)
