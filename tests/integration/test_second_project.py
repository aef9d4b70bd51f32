"""A project that is not this repository: the tool is read there, and never written to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from packaging_spike.cli import FILES
from spike.core.workspace import PROJECT_VARIABLE, TOOL, platform_id
from spike.measure import results
from tests.support import checkouts
from tests.support.installed import SIDECAR

pytestmark = pytest.mark.integration

ALLOWED_CACHES = {"packaging_spike/__pycache__"}
"""Python caches a package's ``__init__.py`` before that can say that nothing is to be cached."""


class Project:
    """A project and a copy of the tool, side by side."""

    def __init__(self, base: Path) -> None:
        self.root = base / "project"
        self.tool = checkouts.copy(base / "tool")
        for name, text in {**FILES, **SIDECAR}.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def run(self, *words: str, expect: int = 0) -> str:
        """Run ``invoke`` or ``nox`` as a user of the project would, and return what it printed."""
        env = {key: value for key, value in os.environ.items() if key != PROJECT_VARIABLE}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env={**env, "PYTHONPATH": str(self.tool)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"{words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def brought(self) -> dict[str, bytes]:
        """Every file of the tool, by its path."""
        return {
            path.relative_to(self.tool).as_posix(): path.read_bytes()
            for path in self.tool.rglob("*")
            if path.is_file()
            and path.parent.relative_to(self.tool).as_posix() not in ALLOWED_CACHES
        }


@pytest.mark.skipif(not (TOOL / ".git").exists(), reason="this is no clone of a repository")
def test_a_second_project(tmp_path: Path) -> None:
    """From the list of tasks to the record: with two files of two lines and a sidecar."""
    described = (TOOL / "docs" / "in-your-repository.md").read_text(encoding="utf-8")
    assert all(f"```python\n{FILES[name]}```" in described for name in FILES)
    project = Project(tmp_path)
    before = project.brought()

    listed = json.loads(project.run("invoke", "--list", "--list-format=json"))
    tasks = {task["name"] for task in listed["tasks"]}
    assert {"bench", "spike", "adr"} <= tasks
    assert "test" not in tasks
    assert "Tauri host" in project.run("invoke", "doctor")
    project.run("nox", "-s", "build_cx_freeze")
    assert (project.root / "dist" / "cx_freeze-onedir" / "theirs").is_file()
    assert "cx_freeze-onedir" in project.run("invoke", "bench", "--launches", "2")
    project.run("invoke", "size")
    project.run("invoke", "ablation", expect=2)  # a matter of the tool's own sidecar
    project.run("invoke", "complexity")
    assert "Milestone 0: " in project.run("invoke", "status", expect=1)
    project.run("invoke", "adr")
    record = (project.root / "decision-record.md").read_text(encoding="utf-8")
    assert "cx_freeze-onedir" in record
    project.run("invoke", "adr", "--check")
    report = json.loads(project.run("invoke", "report", "--format", "json"))

    # What is known there is the project's own, and no figure of this repository is among it.
    assert report["sidecar"] == {"name": "theirs", "version": "2.0.0"}
    assert set(report["benchmarks"]) == {"reliability", "size", "complexity"}
    assert report["origin"] == ""
    text = json.dumps(report) + record
    assert str(project.tool) not in text
    assert str(project.root) not in text
    kept = results.files(project.root / "benchmarks/results" / platform_id())
    assert set(kept) == {"reliability", "size", "complexity"}

    # And the tool is as it was, to the byte.
    after = project.brought()
    assert after.keys() == before.keys()
    assert after == before
