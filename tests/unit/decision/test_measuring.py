"""A benchmark from the command line: table, raw samples, issue log and exit code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.registry import BENCHMARKS, Benchmark, Rows
from decision.workflows import measuring
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingBuildError
from spike.core.workspace import PROJECT_VARIABLE
from spike.measure import results
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import sidecars, toy_benchmark
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
        measuring.targets_of(replace(TOY, rows=rows), hello)


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
