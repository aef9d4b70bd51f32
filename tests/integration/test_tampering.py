"""`invoke adr --check` catches what does not belong: each case tried by hand on real results."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spike.build.buildinfo import Built
from spike.core.requirements import PLAN_VARIANTS
from spike.core.workspace import TOOL as ROOT
from spike.core.workspace import platform_id
from spike.measure import results
from spike.measure.identity import FILE_NAME
from tests.support import checkouts

pytestmark = pytest.mark.integration

LEFT_OUT = ("benchmarks/results/", "benchmarks/report/", "snapshots/", "examples/", "src-tauri/")


class Checkout:
    """A copy of the repository, with the plan's two variants built and measured in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.record = root / "decision-record.md"
        self.results = root / "benchmarks" / "results" / platform_id()

    def invoke(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a task of the copy."""
        return subprocess.run(
            [sys.executable, "-m", "invoke", *words],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )

    def choose(self, option: str) -> None:
        """Write an outcome into the record's prose."""
        text = self.record.read_text(encoding="utf-8")
        outcome = f'Chosen option: "{option}", because the evidence says so.'
        changed, count = re.subn(
            r"^(Not decided yet\.|Chosen option: .*)$", outcome, text, count=1, flags=re.MULTILINE
        )
        assert count == 1
        self.record.write_text(changed, encoding="utf-8")

    def change_json(self, path: Path, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit a JSON file, compressed or not."""
        packed = path.suffix == ".gz"
        content = path.read_bytes()
        document = json.loads(gzip.decompress(content) if packed else content)
        change(document)
        content = json.dumps(document).encode()
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture(scope="module")
def measured(built: Callable[..., Built], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose record is up to date and names the outcome that the rules propose."""
    root = checkouts.copy(tmp_path_factory.mktemp("measured") / "repository", without=LEFT_OUT)
    for variant in PLAN_VARIANTS:
        folder = built(variant).artifact.parent.relative_to(ROOT)
        shutil.copytree(ROOT / folder, root / folder)
    checkout = Checkout(root)
    for words in (["bench"], ["size"], ["complexity"]):
        done = checkout.invoke(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    checkout.choose("Nuitka")
    assert checkout.invoke("adr").returncode == 0
    return checkout


@pytest.fixture
def checkout(measured: Checkout, tmp_path: Path) -> Iterator[Checkout]:
    """The measured checkout, restored after each test; it keeps its identity."""
    kept = tmp_path / "kept"
    identity = FILE_NAME.parent.name
    shutil.copytree(measured.root, kept, ignore=shutil.ignore_patterns(identity))
    yield measured
    for path in measured.root.iterdir():
        if path.is_dir() and path.name != identity:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    shutil.copytree(kept, measured.root, dirs_exist_ok=True)


def refused(checkout: Checkout, exit_code: int = 1) -> str:
    """What the check says when it fails."""
    done = checkout.invoke("adr", "--check")
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_an_honest_record_passes(checkout: Checkout) -> None:
    """The check does not fail by itself."""
    done = checkout.invoke("adr", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_figure_changed_in_a_report_is_caught(checkout: Checkout) -> None:
    """The report is named, and the diff shows the figure."""
    report = checkout.root / "benchmarks" / "report" / platform_id() / "reliability.md"
    text = report.read_text(encoding="utf-8")
    (figure,) = re.findall(r"^\| nuitka-onefile +\| +20 \|", text, flags=re.MULTILINE)
    report.write_text(text.replace(figure, figure.replace("20", "40")), encoding="utf-8")
    said = refused(checkout)
    assert "reliability.md: the generated document was edited by hand" in said
    assert re.search(r"^-\| nuitka-onefile +\| +40 \|", said, flags=re.MULTILINE)


def test_a_figure_changed_in_the_record_is_caught(checkout: Checkout) -> None:
    """The section is named."""
    text = checkout.record.read_text(encoding="utf-8")
    checkout.record.write_text(text.replace("0 of 20 (at most", "0 of 90 (at most", 1), "utf-8")
    assert f"{checkout.record.name}: the generated block 'side-by-side' was edited" in refused(
        checkout
    )


def test_an_outcome_against_the_rules_is_caught(checkout: Checkout) -> None:
    """The other packager is not what the evidence proposes."""
    checkout.choose("PyInstaller")
    assert "the outcome is PyInstaller, and the rules propose Nuitka" in refused(checkout)
    # Writing the tables anew does not launder it.
    assert checkout.invoke("adr").returncode == 0
    assert "the outcome is PyInstaller, and the rules propose Nuitka" in refused(checkout)


def test_a_deleted_result_is_caught(checkout: Checkout) -> None:
    """What the tables rest on has to be there; without it the rules confirm nothing."""
    results.files(checkout.results)["reliability"].unlink()
    said = refused(checkout)
    assert "'side-by-side' is stale" in said
    assert "reliability.md: no command makes this file" in said
    assert "the outcome is Nuitka, and the rules cannot confirm it: F3 is not run" in said


def test_a_result_from_another_binary_is_caught(checkout: Checkout) -> None:
    """The sha256 in a result is that of the artifact, or the result is of something else."""

    def other(document: dict[str, Any]) -> None:
        document["targets"]["nuitka-onefile"]["sha256"] = "0" * 64

    checkout.change_json(results.files(checkout.results)["reliability"], other)
    said = refused(checkout)
    assert "reliability measured another nuitka-onefile (sha256 000000000000)" in said
    # Also on a clone without artifacts, where another result remembers the right binary.
    shutil.rmtree(checkout.root / "dist")
    assert "measured different binaries of nuitka-onefile" in refused(checkout)


def test_an_artifact_changed_after_its_build_is_caught(checkout: Checkout) -> None:
    """Evidence about a binary that is no longer there proves nothing."""
    with (checkout.root / "dist" / "nuitka" / "main.bin").open("ab") as stream:
        stream.write(b"x")
    assert "was changed after its build; run nox -s build_nuitka" in refused(checkout)


def test_an_entry_with_an_unknown_severity_is_caught(checkout: Checkout) -> None:
    """File, line and the allowed values are named; the log cannot be read, so exit code 2."""
    (path,) = (checkout.root / "issues").glob("0001-*.md")
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("^- Severity: .*", "- Severity: urgent", text, flags=re.M), "utf-8")
    said = refused(checkout, exit_code=2)
    line = 1 + path.read_text(encoding="utf-8").splitlines().index("- Severity: urgent")
    assert f"issues/{path.name}:{line}: Severity is 'urgent'" in said
    assert "allowed: blocker, high, medium, low" in said
    assert checkout.invoke("issue", "--list").returncode == 2
    assert checkout.invoke("status").returncode == 2


def test_sources_changed_since_the_measuring_are_caught(checkout: Checkout) -> None:
    """Evidence is older than what it is about as soon as the sidecar changes."""
    with (checkout.root / "sidecar" / "main.py").open("a", encoding="utf-8") as stream:
        stream.write("# a change\n")
    assert "sidecar/ has changed since nuitka-onefile, pyinstaller-onefile were" in refused(
        checkout
    )


def test_status_counts_what_is_met_and_names_the_next_command(checkout: Checkout) -> None:
    """Without the host's checklist Milestone 0 is not reached, and the exit code says so."""
    done = checkout.invoke("status")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Milestone 0: 3 of 6 are met." in done.stdout
    assert "M2 not run: invoke verify --variant nuitka-onefile" in done.stdout
