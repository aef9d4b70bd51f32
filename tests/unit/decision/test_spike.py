"""The plan as one command: what it measures, what it skips, and whose figures it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.definition import Benchmark
from benchmarks.targets import Target
from decision import evidence
from decision.workflows import spike
from spike.core import jsonfile, requirements
from spike.core.errors import (
    EXIT_GOAL_MISSED,
    EXIT_OK,
    IncompatibleResultsError,
    MissingToolError,
)
from spike.core.workspace import HELLO_NAME, PROJECT_VARIABLE, platform_id
from spike.measure import compare, provenance, results
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import sidecars, toy_benchmark
from tests.support.evidence import launches

SETTINGS = spike.Settings(launches=20, with_host=False, force=False)
AUTHORS = "0123456789abcdef"
"""Identity of the checkout that a record came from."""


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """A sidecar of its own, in a checkout that holds nothing yet."""
    folder = tmp_path / "sidecar"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "one"\nversion = "1"\n')
    (folder / "main.py").touch()
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    return sidecar.load(folder)


def foreign(hello: Sidecar, name: str, **changes: Any) -> Path:
    """A result as a clone brings it: of this very machine, as far as its fields say."""
    path = hello.workspace.results / f"{name}.json"
    document = {
        "schema": results.SCHEMA,
        "benchmark": name,
        "sidecar": hello.name,
        "sidecar_version": hello.version,
        "complete": True,
        "provenance": {**provenance.collect(), "checkout": AUTHORS, **changes},
        "settings": {"launches": 20},
        "elapsed_s": 1.0,
        "targets": {},
        "samples": [],
    }
    jsonfile.write(path, document)
    return path


def measure(hello: Sidecar, name: str, *, partial: bool = False) -> results.Result:
    with results.recording(
        name, hello, targets={}, settings={"launches": 20}, partial=partial
    ) as recorder:
        pass
    return recorder.result()


def test_a_result_of_another_checkout_is_not_up_to_date(hello: Sidecar) -> None:
    """Processor, kernel and memory are the same on every machine of a kind."""
    foreign(hello, "reliability")
    found = evidence.gather(hello).results["reliability"]
    assert provenance.difference(found.provenance, provenance.collect()) == (
        "measured in another checkout"
    )
    assert not spike.is_current(found, [], SETTINGS)
    assert spike.is_current(measure(hello, "reliability"), [], SETTINGS)


def test_the_repositorys_own_record_counts_as_a_whole_and_says_so(hello: Sidecar) -> None:
    """Who looks at it before measuring must not take it for their own."""
    foreign(hello, "reliability", at="2026-01-02T03:04:05+00:00", cpu="A", system="B")
    foreign(hello, "faults", at="2026-01-01T03:04:05+00:00", cpu="A", system="B")
    known = evidence.gather(hello)
    assert set(known.results) == {"reliability", "faults"}
    assert not known.own
    assert not known.problems
    assert evidence.origin(known) == (
        "These figures are the repository's own record, measured on A, B on 2026-01-02; "
        "your own: invoke spike."
    )


def test_own_figures_and_others_never_mix(hello: Sidecar) -> None:
    """The first own result takes the table; what a pull brings later is named and left out."""
    own = measure(hello, "reliability")
    assert evidence.origin(evidence.gather(hello)) == ""
    foreign(hello, "faults")
    known = evidence.gather(hello)
    assert known.own
    assert set(known.results) == {"reliability"}
    assert known.results["reliability"] == own
    assert evidence.origin(known) == (
        "Not shown, since measured in another checkout: faults (here: invoke faults)."
    )


def test_what_a_new_result_cannot_stand_beside_is_kept(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another checkout or of another machine, and under the same name too: nothing is lost."""
    paths = [foreign(hello, name) for name in ("reliability", "faults", "checklist")]
    paths.append(foreign(hello, "soak", kernel="of-another"))
    journal = hello.workspace.results / "evidence" / "variant" / "ready.json"
    jsonfile.write(journal, {})
    contents = {path.name: path.read_bytes() for path in paths}
    measure(hello, "size")
    kept = hello.workspace.results / "elsewhere"
    assert {path.name: path.read_bytes() for path in kept.glob("*.json")} == contents
    assert (kept / "evidence" / "variant" / "ready.json").exists()
    assert not journal.exists()
    said = capsys.readouterr().err
    assert "elsewhere, since measured in another checkout: checklist, faults, reliability" in said
    assert "elsewhere, since measured on another machine (kernel: 'of-another'" in said
    foreign(hello, "faults")
    measure(hello, "reliability")
    assert {path.name for path in kept.glob("faults*")} == {"faults.json", "faults-2.json"}
    assert set(results.files(hello.workspace.results)) == {"size", "reliability"}


def test_an_interrupted_or_partial_run_moves_nothing(hello: Sidecar) -> None:
    """Neither becomes the result, so neither needs the place."""
    path = foreign(hello, "faults")
    measure(hello, "reliability", partial=True)
    with (
        pytest.raises(KeyboardInterrupt),
        results.recording("size", hello, targets={}, settings={}),
    ):
        raise KeyboardInterrupt
    assert path.exists()
    assert not evidence.gather(hello).own


def test_results_of_two_checkouts_are_not_compared(hello: Sidecar) -> None:
    """A difference between them would be the machine as much as the program."""
    old = results.load_file(foreign(hello, "reliability"), remedy="")
    assert old is not None
    new = measure(hello, "reliability")
    with pytest.raises(IncompatibleResultsError, match="measured in another checkout"):
        compare.changes(old, new, ())
    with pytest.raises(IncompatibleResultsError, match="measured in another checkout"):
        compare.pool([old, new])


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """A plan with one benchmark in it, which takes no time."""
    monkeypatch.setattr(spike, "BENCHMARKS", {"toy": toy_benchmark.ENTRY})
    monkeypatch.setattr(toy_benchmark, "lacks", [])
    return toy_benchmark.ENTRY


def steps(
    hello: Sidecar,
    capsys: pytest.CaptureFixture[str],
    settings: spike.Settings = SETTINGS,
    only: tuple[str, ...] = (),
) -> str:
    """What the measuring part of the plan says."""
    spike.measure(hello, settings, only)
    return capsys.readouterr().out


@pytest.mark.usefixtures("toy")
def test_what_is_up_to_date_is_measured_once(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second run says of when the figures are; --force takes them anew."""
    assert "counted to 3" in steps(hello, capsys)
    again = steps(hello, capsys)
    assert "up to date (of 20" in again
    assert "counted" not in again
    assert "counted to 3" in steps(hello, capsys, replace(SETTINGS, force=True))


@pytest.mark.usefixtures("toy")
def test_an_optional_tool_that_is_missing_leaves_its_benchmark_out(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan goes on and says why; figures that are there already stay up to date."""
    toy_benchmark.lacks.append("valgrind is not installed")
    assert "not run: valgrind is not installed" in steps(hello, capsys)
    toy_benchmark.lacks.clear()
    steps(hello, capsys)
    toy_benchmark.lacks.append("valgrind is not installed")
    assert "up to date" in steps(hello, capsys)


def test_only_what_was_asked_for_is_measured(
    hello: Sidecar, toy: Benchmark, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Not what is no part of the plan, needs a host that is left out, or has another name."""
    others = {
        "apart": replace(toy, name="apart", in_spike=False),
        "hosted": replace(toy, name="hosted", in_host=True),
        "second": replace(toy, name="second"),
    }
    monkeypatch.setattr(spike, "BENCHMARKS", {"toy": toy, **others})
    said = steps(hello, capsys)
    assert [line for line in said.splitlines() if line.startswith("==")] == ["== toy", "== second"]
    assert "== hosted" in steps(hello, capsys, replace(SETTINGS, with_host=True))
    assert "== apart" in steps(hello, capsys, replace(SETTINGS, whole=True))
    said = steps(hello, capsys, only=("second",))
    assert [line for line in said.splitlines() if line.startswith("==")] == ["== second"]


def test_what_only_our_own_sidecar_can_be_asked_is_asked_of_no_other(
    hello: Sidecar, toy: Benchmark, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Such as the self-check, whose copies are of the hello sidecar."""
    monkeypatch.setattr(spike, "BENCHMARKS", {"toy": replace(toy, any_sidecar=False)})
    assert "counted" not in steps(hello, capsys)
    ours = sidecars.hello(hello.folder, name=HELLO_NAME)
    assert "counted" in steps(ours, capsys)


@pytest.mark.usefixtures("toy")
def test_another_python_leaves_the_record_alone_and_what_it_has_no_part_in(
    hello: Sidecar, another: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its results lie apart, and what takes no --python would be measured a second time."""
    other = hello.with_python(another)
    assert "counted" not in steps(other, capsys)
    hello.workspace.record.write_text("mine", encoding="utf-8")
    assert spike.record(other).sidecar == other
    said = capsys.readouterr().out
    assert (
        f"results of Python {another} lie in benchmarks/results/{platform_id()}-{another}" in said
    )
    assert "a row of it, with reports of its own: invoke adr" in said
    assert hello.workspace.record.read_text(encoding="utf-8") == "mine"


TARGETS = {
    "nuitka-onefile": {"kind": "variant", "sha256": "a" * 64},
    "python": {"kind": "baseline", "sha256": "b" * 64},
}


def target(hello: Sidecar, id_: str, sha256: str) -> Target:
    """A row that a benchmark would measure now."""
    return Target(id=id_, kind="variant", argv=(id_,), sidecar=hello, sha256=sha256, size_bytes=1)


@pytest.mark.parametrize(
    ("rows", "launches", "current"),
    [
        ({"nuitka-onefile": "a" * 64}, 20, True),
        ({"nuitka-onefile": "a" * 64, "python": "b" * 64}, 20, True),
        ({"nuitka-onefile": "a" * 64}, 21, False),
        ({"nuitka-onefile": "c" * 64}, 20, False),
        ({"nuitka-onefile": "a" * 64, "cx_freeze-onedir": "d" * 64}, 20, False),
    ],
    ids=["same", "all", "more launches", "another binary", "a variant more"],
)
def test_a_result_is_current_when_it_is_of_these_binaries(
    rows: dict[str, str], launches: int, current: bool, hello: Sidecar
) -> None:
    """Of each of them, made here, with at least as many launches as are asked for."""
    with results.recording(
        "reliability", hello, targets=TARGETS, settings={"launches": 20}
    ) as recorder:
        pass
    wanted = [target(hello, id_, sha256) for id_, sha256 in rows.items()]
    settings = replace(SETTINGS, launches=launches)
    assert spike.is_current(recorder.result(), wanted, settings) is current


@pytest.mark.parametrize(
    ("failed", "rows", "code"),
    [
        (None, (), EXIT_GOAL_MISSED),
        (2, (), EXIT_OK),
        (3, (), EXIT_GOAL_MISSED),
        (0, ("pass", "fail"), EXIT_GOAL_MISSED),
        (0, ("pass", "pass"), EXIT_OK),
    ],
    ids=["never launched", "a tenth", "more than a tenth", "a row fails", "all rows pass"],
)
def test_the_exit_code_is_the_plans_target(
    failed: int | None, rows: tuple[str, ...], code: int, hello: Sidecar
) -> None:
    """More than 10 % of the launches failed, or a row of the checklist: 1."""
    found = {"nuitka-onefile": {"kind": "variant", "sha256": "a" * 64}}
    if failed is not None:
        samples = launches("nuitka-onefile", 20, failed)
        record(hello, "reliability", found, samples)
    if rows:
        samples = [
            {"target": "nuitka-onefile", "row": row, "status": status, "evidence": "seen"}
            for row, status in zip(requirements.CHECKLIST, rows, strict=False)
        ]
        record(hello, "checklist", found, samples)
    assert spike.verdict(evidence.gather(hello)) == code


def record(
    hello: Sidecar, name: str, targets: dict[str, Any], samples: list[dict[str, Any]]
) -> None:
    """Keep a whole run."""
    with results.recording(name, hello, targets=targets, settings={"launches": 20}) as recorder:
        for sample in samples:
            row = dict(sample)
            recorder.add(row.pop("target"), row)


def test_a_missing_tool_is_named_before_minutes_are_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it, and the option that does so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError) as caught:
        spike.check_tools(with_deps=False)
    assert "Missing for the builds: C compiler" in str(caught.value)
    assert "invoke spike --with-deps" in caught.value.try_next
