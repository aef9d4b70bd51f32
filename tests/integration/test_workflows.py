"""The lines of the workflow's jobs and of the action, run as a runner would."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from spike.core.workspace import platform_id
from spike.measure import results
from spike.wine import proof
from spike.wine.prefix import Wine
from tests.support import sidecars, turns, wine, workflow_lines

pytestmark = [pytest.mark.integration, pytest.mark.nightly]

WORKFLOW = ROOT / ".github" / "workflows" / "measure.yml"
ACTION = ROOT / ".github" / "actions" / "measure-sidecar"
NOT_HERE = ("sources, with line ends as they are", "system packages")
"""The user's own settings of git are not the test's to change, nor is what is installed."""


def git(folder: Path, *words: str) -> None:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True)


def test_measured_in_one_job_and_merged_in_the_next(tmp_path: Path) -> None:
    """The record of the second job is the first one's, and all of it is up to date."""
    there, here = tmp_path / "measures", tmp_path / "merges"
    for clone in (there, here):
        git(tmp_path, "clone", "--quiet", str(ROOT), clone.name)
    env = {"SIDECAR": "sidecar", "PACKAGERS": "pyinstaller cx_freeze", "LAUNCHES": "6"}
    with turns.measuring_here():
        outputs = workflow_lines.run(
            workflow_lines.job(WORKFLOW, "measure"),
            cwd=there,
            temp=tmp_path / "one",
            env=env,
            leave_out=NOT_HERE,
        )
    folder = there / outputs["folder"]
    assert folder.name == platform_id()
    artifacts = here / "artifacts"
    shutil.copytree(folder, artifacts / "results-sidecar-ubuntu-24.04-3.11")
    job = workflow_lines.job(WORKFLOW, "record")
    workflow_lines.run(job, cwd=here, temp=tmp_path / "two", env=env)
    record = (here / "decision-record.md").read_text(encoding="utf-8")
    assert "pyinstaller-onedir" in record
    checked = subprocess.run(
        [here / ".venv" / "bin" / "invoke", "adr", "--check"],
        cwd=here,
        check=False,
        capture_output=True,
        text=True,
    )
    # All is written. A run without Nuitka confirms no outcome; F1, F2, F4 are the issue log's.
    said = [line for line in checked.stdout.splitlines() if line.partition(":")[0].endswith(".md")]
    (only,) = said
    assert "the rules cannot confirm it: F3 is not run" in only
    # What a job that broke off hands over is refused, and the record of the others written.
    shutil.copytree(folder, artifacts / "results-sidecar-ubuntu-24.04-3.11")
    broken = artifacts / "results-sidecar-macos-15-3.11" / "reliability.json"
    broken.parent.mkdir()
    broken.write_text("{", encoding="utf-8")
    (here / "decision-record.md").unlink()
    with pytest.raises(AssertionError, match="nothing was refused"):
        workflow_lines.run(job, cwd=here, temp=tmp_path / "three", env=env)
    assert "pyinstaller-onedir" in (here / "decision-record.md").read_text(encoding="utf-8")


def test_the_windows_job_measures_under_wine(tmp_path: Path) -> None:
    """All that can: a Python there makes no environments, and figures are refused."""
    place = Wine(folder=proof.folder())
    wine.everything(place)
    place.start()
    try:
        project = proof.project_in(place)
        outputs = workflow_lines.run(
            workflow_lines.job(WORKFLOW, "measure"),
            cwd=project,
            temp=tmp_path / "runner",
            env={"SIDECAR": "sidecar", "PACKAGERS": "pyinstaller", "LAUNCHES": "3"},
            leave_out=(*NOT_HERE, "tools", "figures of this machine"),
            shell=wine.shell(place, project, packager="pyinstaller"),
        )
    finally:
        place.stop()
    assert (outputs["folder"], outputs["sidecar"]) == (
        "benchmarks/results/windows-x64",
        "sidecar",
    )
    handed_over = results.files(project / outputs["folder"])
    assert {"reliability", "complexity"} <= handed_over.keys()
    launches = results.load_file(handed_over["reliability"], remedy="")
    assert launches
    samples = launches.of("pyinstaller-onefile")
    assert [sample["failure"] for sample in samples] == [None] * 3


def test_an_action_compares_with_the_base_branch(tmp_path: Path) -> None:
    """In a repository that is not this one: a sidecar that became larger is named."""
    project = tmp_path / "their repository"
    folder = project / "services" / "api"
    sidecars.write(folder, name="their-api", main=sidecars.HELLO, settings='data = ["blob.bin"]')
    (folder / "blob.bin").write_bytes(b"x")
    git(tmp_path, "init", "--quiet", project.name)
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "one")
    base = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / "blob.bin").write_bytes(b"x" * 20_000_000)
    checkout = tmp_path / "actions" / "packaging-spike"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(checkout))
    with turns.measuring_here():
        outputs = workflow_lines.run(
            workflow_lines.action(ACTION / "action.yml"),
            cwd=project,
            temp=tmp_path / "runner",
            env={
                "SIDECAR": "services/api",
                "PACKAGERS": "cx_freeze",
                "LAUNCHES": "6",
                "BASE": base,
                "GITHUB_ACTION_PATH": str(checkout / ACTION.relative_to(ROOT)),
            },
            leave_out=("comment",),
        )
    assert "cx_freeze-onedir (shipped_bytes)" in outputs[""], outputs
    summary = (tmp_path / "runner" / "summary").read_text(encoding="utf-8")
    assert "services/api" in summary
    assert "worse by more than the noise" in summary
