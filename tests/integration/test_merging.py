"""Merging as a team's job does it: whole folders, by the command, in the time of a command."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.core.workspace import PROJECT_VARIABLE, TOOL, display_path
from spike.measure import platforms
from spike.project import sidecar
from tests.support import machines
from tests.support.machines import Machine, committed, hand_over

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not machines.COMMITTED.is_dir(), reason="the repository has no record to make folders of"
    ),
]

SYSTEMS = (("Linux", "x64"), ("Linux", "arm64"), ("Windows", "x64"), ("macOS", "arm64"))
PYTHONS = ("3.12.4", "3.13.1", "3.14.0")
LIMIT_S = 2.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the artifacts of twelve jobs, each as large as the repository's record."""
    root = tmp_path_factory.mktemp("jobs").resolve()
    for name in ("sidecar", "issues"):
        shutil.copytree(TOOL / name, root / name)
    shutil.copy2(TOOL / "tasks.py", root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PROJECT_VARIABLE, str(root))
        hello = sidecar.load()
        for system, arch in SYSTEMS:
            for python in PYTHONS:
                machine = Machine(platform=system, arch=arch, python=python)
                hand_over(hello, root / "artifacts" / machine.name, machine, only=())
    shutil.rmtree(root / "benchmarks", ignore_errors=True)
    return root


def invoke(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a task of the project, as its own tasks.py has it; both streams in ``stdout``."""
    environment = {key: value for key, value in os.environ.items() if key != PROJECT_VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=root,
        env={**environment, "PYTHONPATH": str(TOOL), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.measuring
def test_twelve_folders_are_merged_in_two_seconds(project: Path) -> None:
    """The whole command, its start included, in seconds of the processor.

    It waits for nothing but the disk, so that alone on a machine it takes as long. Beside others
    the clock would tell how busy they are.
    """
    folders = sorted(str(path) for path in (project / "artifacts").iterdir())
    assert len(folders) == len(SYSTEMS) * len(PYTHONS)
    times = []
    for _ in range(3):
        shutil.rmtree(project / "benchmarks", ignore_errors=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = invoke(project, "merge", *folders)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stdout
        assert done.stdout.count(f": added, {len(committed())} results of 2026-12-01 in ") == len(
            folders
        )
    assert min(times) < LIMIT_S, times


def test_adding_refusing_and_withdrawing_by_command(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit codes and words as a job sees them; `adr` writes what was merged, and checks it."""
    monkeypatch.setenv(PROJECT_VARIABLE, str(project))
    shutil.rmtree(project / "benchmarks", ignore_errors=True)
    good, bad = "artifacts/linux-arm64-3.12", "handed/windows"
    shutil.copytree(project / "artifacts" / "windows-x64-3.13", project / bad)
    (project / bad / "soak.json.gz").write_bytes(b"\x1f\x8bhalf")
    done = invoke(project, "merge", good, bad)
    assert done.returncode == 2, done.stdout
    assert f"linux-arm64-3.12: added, {len(committed())} results" in done.stdout
    assert f"refused: {bad}/soak.json.gz is damaged" in done.stdout
    assert f"then invoke merge {bad}" in done.stdout
    assert "Traceback" not in done.stdout

    done = invoke(project, "merge", "artifacts/windows-x64-3.13", "adr")
    assert done.returncode == 0, done.stdout
    record = (project / "decision-record.md").read_text(encoding="utf-8")
    assert "\n## Platforms\n" in record
    assert record.count("2026-12-01 |\n") == 2
    done = invoke(project, "adr", "--check")
    assert "stale" not in done.stdout
    assert "no command makes" not in done.stdout

    done = invoke(project, "merge", "--withdraw", "windows-x64-3.13")
    assert done.returncode == 0, done.stdout
    assert "written into record and reports by: invoke adr" in done.stdout
    assert platforms.merged(sidecar.load()) == ("linux-arm64-3.12",)
    assert invoke(project, "adr").returncode == 0
    assert "\n## Platforms\n" not in (project / "decision-record.md").read_text(encoding="utf-8")
    assert not (project / "benchmarks" / "report" / "windows-x64-3.13").exists()

    for words, said in (
        (("merge",), "was given no folder"),
        (("merge", "nowhere"), "nowhere is no folder"),
        (("merge", good, "--withdraw", "linux-arm64-3.12"), "or --withdraw"),
        (("merge", "--withdraw", "linux-arm64-3.99"), "Merged in are: linux-arm64-3.12"),
    ):
        done = invoke(project, *words)
        assert done.returncode == 2, done.stdout
        assert said in done.stdout
        assert "Try: invoke merge" in done.stdout
    assert display_path(project / good) == good
