"""Results of another checkout: never beside one's own, never up to date, never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decision import evidence
from decision.workflows import spike
from spike.core import jsonfile
from spike.core.errors import IncompatibleResultsError
from spike.core.workspace import PROJECT_VARIABLE
from spike.measure import compare, provenance, results
from spike.project import sidecar
from spike.project.sidecar import Sidecar

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
