"""The contingency steps, exercised with a sidecar that Nuitka really cannot compile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from decision import snapshot
from spike import issue_log
from spike.core.workspace import TOOL as ROOT
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import turns
from tests.support.commands import nox

pytestmark = pytest.mark.integration

FOLDER = "tests/sidecars/uncompilable"


def invoke(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a task as a user would."""
    with turns.measuring_here():
        return subprocess.run(
            [sys.executable, "-m", "invoke", *words, "--sidecar", FOLDER],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )


def criteria() -> dict[str, dict[str, str]]:
    """The rules' verdicts, as the report gives them to other programs."""
    document = json.loads(invoke("report", "--format", "json").stdout)
    return {item["id"]: item for item in document["criteria"]}


@pytest.fixture
def uncompilable() -> Iterator[Sidecar]:
    """The sidecar, with nothing known of it before or after."""
    found = sidecar.load(ROOT / FOLDER)
    places = found.workspace

    def clean() -> None:
        for path in (places.dist, places.build, places.results, places.issues, places.snapshots):
            assert found.name in path.name, path
            shutil.rmtree(path, ignore_errors=True)

    clean()
    yield found
    clean()


def snapshots(found: Sidecar) -> list[Path]:
    """Every snapshot, oldest first."""
    return sorted(found.workspace.snapshots.iterdir())


def test_a_nuitka_that_fails_for_real_ends_with_pyinstaller(
    uncompilable: Sidecar, tmp_path: Path
) -> None:
    """From the failed build to the decision: log, rules, steps, comparison, follow-up."""
    failed = nox("build_nuitka", "--mode", "onefile", "--draft", "--sidecar", FOLDER)
    assert failed.returncode != 0
    assert "unknown plug-in" in failed.stdout
    (entry,) = issue_log.load(uncompilable.workspace.issues)
    assert entry.path is not None
    assert (entry.severity, entry.topic, entry.exit_code) == ("blocker", "build", "1")
    assert "unknown plug-in" in entry.excerpt

    again = nox("build_nuitka", "--mode", "onefile", "--draft", "--sidecar", FOLDER)
    assert again.returncode != 0
    assert len(issue_log.load(uncompilable.workspace.issues)) == 1

    found = criteria()
    assert found["F1"]["verdict"] == "not met"
    assert "0 of 2 focused debug sessions" in found["F1"]["evidence"]
    text = entry.path.read_text(encoding="utf-8")
    entry.path.write_text(text.replace("Debug sessions: 0", "Debug sessions: 2"), encoding="utf-8")
    assert criteria()["F1"]["verdict"] == "met"

    dry = invoke("fallback", "--dry-run")
    assert dry.returncode == 0
    assert "nox -s build_pyinstaller -- --mode onefile" in dry.stdout
    assert not uncompilable.workspace.snapshots.exists()

    done = invoke("fallback", "--no-host")
    assert done.returncode == 2, done.stdout + done.stderr  # K3 needs the host
    found = criteria()
    assert {id_: found[id_]["verdict"] for id_ in ("K1", "K2", "K3", "K4", "K5", "K6")} == {
        "K1": "done",
        "K2": "done",
        "K3": "not run",
        "K4": "done",
        "K5": "open",
        "K6": "done",
    }
    (first,) = snapshots(uncompilable)
    with tarfile.open(first) as opened:
        opened.extractall(tmp_path, filter="data")
        names = set(opened.getnames())
    assert {
        "failures/nuitka-onefile/failure.json",
        "failures/nuitka-onefile/build.log",
        f"issues/{entry.path.name}",
        snapshot.SUMS,
    } <= names
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", snapshot.SUMS],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0

    record = uncompilable.workspace.record
    text = record.read_text(encoding="utf-8")
    reports = uncompilable.workspace.reports
    rows = text + "".join(path.read_text(encoding="utf-8") for path in reports.glob("*.md"))
    for id_ in found:
        assert f"| {id_} " in rows, id_
    assert "By the plan's rules it is PyInstaller: F1 is met." in text
    assert [item.title for item in issue_log.load(uncompilable.workspace.issues)][-1] == (
        "Revisit Nuitka after Milestone 0"
    )

    # People decide; a decision against the rules is refused, one with them is confirmed.
    record.write_text(
        text.replace("Not decided yet.", 'Chosen option: "Nuitka", because we like it.'),
        encoding="utf-8",
    )
    refused = invoke("adr", "--check")
    assert refused.returncode == 1
    assert "the outcome is Nuitka, and the rules propose PyInstaller: F1 is met" in refused.stdout
    record.write_text(
        text.replace("Not decided yet.", 'Chosen option: "PyInstaller", because of F1.'),
        encoding="utf-8",
    )
    assert invoke("adr").returncode == 0
    confirmed = invoke("adr", "--check")
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    assert criteria()["K5"]["verdict"] == "done"

    # Exercised once more: nothing is rewritten, nothing is opened twice.
    before = first.read_bytes()
    entries = len(issue_log.load(uncompilable.workspace.issues))
    assert invoke("fallback", "--no-host").returncode == 2
    assert len(snapshots(uncompilable)) == 2
    assert first.read_bytes() == before
    assert len(issue_log.load(uncompilable.workspace.issues)) == entries
