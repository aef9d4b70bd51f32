"""The time line is read from git: every commit that changed the results, and what is there now."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import record
from decision.history import drawing, runs
from decision.merging import keeping
from spike.core.errors import MissingToolError, UsageError
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.measure import results
from spike.project import sidecar
from spike.project.sidecar import Sidecar
from tests.support import machines
from tests.support.machines import Machine, hand_over

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not machines.COMMITTED.is_dir(), reason="the repository has no record to make folders of"
    ),
]

VARIANT = "nuitka-lean"


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def measure(hello: Sidecar, day: int, *, slower: float = 1.0, larger: float = 1.0) -> None:
    """Put a run in the place of the last one, in which one variant has become slower or larger."""

    def changed(sample: dict[str, object]) -> dict[str, object]:
        if sample["target"] != VARIANT:
            return sample
        for key, factor in (("ready_ms", slower), ("shipped_bytes", larger)):
            if isinstance(value := sample.get(key), int | float):
                sample[key] = type(value)(value * factor)
        return sample

    place = hello.workspace.results
    shutil.rmtree(place, ignore_errors=True)
    machine = Machine(at=f"2026-12-{day:02}T10:00:00+00:00", checkout=f"{day:016}")
    made = hand_over(
        hello, hello.workspace.root / "made", machine, only=["reliability", "size"], sample=changed
    )
    shutil.move(made, place)


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """A repository with three committed runs: the second is slower, the third larger as well."""
    shutil.copytree(TOOL / "sidecar", tmp_path / "sidecar")
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = sidecar.load()
    git(tmp_path, "init", "-q")
    for day, slower, larger in ((1, 1.0, 1.0), (2, 2.0, 1.0), (3, 2.0, 1.5)):
        measure(found, day, slower=slower, larger=larger)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", f"run {day}")
    return found


def budget(hello: Sidecar, text: str) -> None:
    path = hello.folder / "pyproject.toml"
    settings = path.read_text(encoding="utf-8")
    path.write_text(f"{settings}\n[tool.sidecar.budget]\n{text}\n", encoding="utf-8")


def test_each_commit_is_a_run_and_so_is_what_is_there_now(hello: Sidecar) -> None:
    """A commit that changed other results makes no second one."""
    root = hello.workspace.root
    (hello.workspace.results / "evidence").mkdir()
    (hello.workspace.results / "evidence" / "x").write_text("x", encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "nothing measured")
    line = runs.read(hello, most=50)
    assert [run.at[:10] for run in line.runs] == ["2026-12-01", "2026-12-02", "2026-12-03"]
    assert line.unread == ()
    first, second, third = (run.figures[VARIANT] for run in line.runs)
    assert first.ready is not None
    assert second.ready is not None
    assert second.ready.estimate == pytest.approx(2 * first.ready.estimate, rel=0.01)
    assert third.size_bytes == pytest.approx(1.5 * (first.size_bytes or 0), rel=0.01)
    measure(hello, 4)
    assert [run.commit for run in runs.read(hello, most=50).runs][-1] == runs.HERE
    assert [run.at[:10] for run in runs.read(hello, most=1).runs] == ["2026-12-03", "2026-12-04"]


def test_what_this_version_does_not_read_is_named(hello: Sidecar) -> None:
    """Another schema, and half a file: the other runs are there."""
    (path,) = [
        path for name, path in results.files(hello.workspace.results).items() if "rel" in name
    ]
    path.write_bytes(b"\x1f\x8bhalf")
    git(hello.workspace.root, "commit", "-qam", "broken")
    commit = git(hello.workspace.root, "rev-parse", "--short=12", "HEAD")
    measure(hello, 5)
    line = runs.read(hello, most=50)
    assert line.unread == (commit,)
    assert len(line.runs) == 4


def test_a_project_without_git_has_no_time_line(hello: Sidecar) -> None:
    """Said in words, with what to do."""
    shutil.rmtree(hello.workspace.root / ".git")
    with pytest.raises(UsageError, match=r"no git repository .*: fatal: ") as caught:
        runs.read(hello, most=5)
    assert "git init" in caught.value.try_next


def test_a_machine_without_git_is_told_so(hello: Sidecar, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no matter of the project."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="git"):
        runs.read(hello, most=5)


def test_the_command_shows_a_line_a_run(
    hello: Sidecar, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With what changed, and a picture of the same runs."""
    record.history(Context(), variant=VARIANT, picture=str(tmp_path / "line.svg"))
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if line.startswith("| ")]
    assert len(lines) == 4
    assert f"{VARIANT}: READY by python -I -S" in lines[2]
    assert "worse" in lines[2]
    assert f"{VARIANT}: what ships" in lines[3]
    assert "READY" not in lines[3].rpartition("|")[0].rpartition("|")[2]
    picture = (tmp_path / "line.svg").read_text(encoding="utf-8")
    assert picture.startswith("<?xml")
    assert picture == drawing.svg(runs.read(hello, most=50).runs, VARIANT)


def test_a_budget_fails_with_the_figure_and_the_commit(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 with --check; without it, it is said."""
    with pytest.raises(Exit) as caught:
        record.history(Context(), variant=VARIANT, check=True)
    assert caught.value.code == 2  # there is none yet
    assert "has no budget" in str(caught.value)
    budget(hello, "size_mb = 8")
    before = git(hello.workspace.root, "log", "--format=%h", "--abbrev=12").split()
    with pytest.raises(Exit) as caught:
        record.history(Context(), variant=VARIANT, check=True)
    assert caught.value.code == 1
    said = capsys.readouterr().out
    assert "over budget: nuitka-lean: what ships is 11.1 MB, and the budget size_mb is 8" in said
    assert f"brought between {before[1]} and {before[0]}." in said
    record.history(Context(), variant=VARIANT)
    assert "over budget" in capsys.readouterr().out
    measure(hello, 6)  # put right again, and not committed yet
    record.history(Context(), variant=VARIANT, check=True)
    assert "within the budget" in capsys.readouterr().out


def test_a_platform_that_was_merged_in_has_a_time_line(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of its own folder; one that is not there is answered with those that are."""
    made = hello.workspace.root / "artifact"
    machine = replace(Machine(), platform="macOS", python="3.13.1")
    hand_over(hello, made, machine)
    assert keeping.merge([made], hello).refused == ()
    record.history(Context(), platform="macos-arm64-3.13")
    assert f"{VARIANT} of sidecar-hello on macos-arm64-3.13" in capsys.readouterr().out
    with pytest.raises(Exit, match=r"Merged in are: macos-arm64-3\.13"):
        record.history(Context(), platform="macos-x64-3.13")


def test_no_key_of_the_budget_makes_another_build(hello: Sidecar) -> None:
    """A threshold is no source of the program."""
    before = hello.source_sha256("nuitka")
    budget(hello, "ready_ms_ratio = 0.5\nfailures = 0")
    changed = sidecar.load()
    assert changed.budget == {"ready_ms_ratio": 0.5, "failures": 0.0}
    assert changed.source_sha256("nuitka") == before
