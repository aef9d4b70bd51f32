"""The contingency steps one by one: what each keeps, says, and leaves as it was."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from decision import evidence, snapshot
from decision.workflows import fallback
from spike import issue_log
from spike.build.buildinfo import file_sha256
from spike.core import jsonfile, requirements
from spike.measure import results
from spike.project.sidecar import Sidecar
from tests.support import sidecars
from tests.support.evidence import NUITKA, launches


def failed_build(sidecar: Sidecar) -> None:
    """What a failed Nuitka build leaves behind: its facts, its log and its entry."""
    scratch = sidecar.workspace.build / NUITKA
    facts = {
        "schema": 1,
        "kind": "build",
        "variant": NUITKA,
        "packager": "nuitka",
        "packager_version": "4.3",
        "python_version": "3.11.7",
        "sidecar": sidecar.name,
        "step": "nuitka itself",
        "command": "python -m nuitka main.py",
        "exit_code": 1,
        "log": "build/nuitka-onefile/build.log",
        "tail": "FATAL: it cannot",
        "at": "2026-11-23T01:00:00+00:00",
    }
    jsonfile.write(scratch / "failure.json", facts)
    (scratch / "build.log").write_text("FATAL: it cannot\n")
    issue_log.draft(sidecar.workspace.issues, issue_log.from_build_failure(facts))


def tried_hard(sidecar: Sidecar) -> None:
    """The two focused debug sessions that F1 asks for."""
    for path in sidecar.workspace.issues.glob("*.md"):
        text = path.read_text()
        path.write_text(text.replace("Debug sessions: 0", "Debug sessions: 2"))


def measured(sidecar: Sidecar) -> None:
    """A bench of both of the plan's variants."""
    targets = {name: {"kind": "variant", "sha256": "a" * 64} for name in requirements.PLAN_VARIANTS}
    with results.recording(
        "reliability", sidecar, targets=targets, settings={"launches": 20}
    ) as recorder:
        for name in targets:
            for sample in launches(name, 20):
                recorder.add(sample.pop("target"), sample)


def test_a_dry_run_names_each_step_of_the_plan_and_does_nothing(hello: Sidecar) -> None:
    """With the commands that it would run."""
    text = fallback.describe(hello)
    for id_, words in requirements.CONTINGENCY_STEPS.items():
        assert f"{id_}  {words}" in text
    assert "nox -s build_pyinstaller -- --mode onefile" in text
    assert "invoke verify --variant pyinstaller-onefile" in text
    assert not hello.workspace.snapshots.exists()
    other = sidecars.hello(hello.folder.parent / "other", name="other")
    assert "--sidecar" in fallback.describe(other)


def test_k1_copies_what_is_known_with_its_checksums(hello: Sidecar) -> None:
    """Results, failures and entries; not what an interrupted run left."""
    measured(hello)
    failed_build(hello)
    (hello.workspace.results / "size.incomplete.json").write_text("{}")
    hello.workspace.record.write_text("# Record\n")
    kept = fallback.freeze(hello)
    archive = hello.workspace.root / str(kept["snapshot"])
    with tarfile.open(archive) as opened:
        names = set(opened.getnames())
    (entry,) = hello.workspace.issues.glob("*.md")
    assert names == {
        "results/reliability.json",
        "failures/nuitka-onefile/failure.json",
        "failures/nuitka-onefile/build.log",
        f"issues/{entry.name}",
        "record.md",
        snapshot.SUMS,
    }
    assert kept["files"] == len(names) - 1
    assert kept["sha256"] == file_sha256(archive)
    assert snapshot.problem(archive, str(kept["sha256"])) == ""


def test_k1_never_writes_over_an_earlier_copy(hello: Sidecar) -> None:
    """Exercised twice there are two, and the first is as it was."""
    measured(hello)
    first = hello.workspace.root / str(fallback.freeze(hello)["snapshot"])
    before = first.read_bytes()
    failed_build(hello)
    second = hello.workspace.root / str(fallback.freeze(hello)["snapshot"])
    assert second != first
    assert first.read_bytes() == before


def test_k3_without_a_host_leaves_the_rows_not_run(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """The checklist's command fails here, since nothing is built: a reason, and no verdict."""
    (hello.workspace.root / "build").mkdir()
    kept = fallback.verify(hello)
    assert kept["rows"] == {}
    assert kept["exit_code"] != 0
    assert str(kept["command"]).endswith("verify --variant pyinstaller-onefile")
    assert "its rows stay not run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("failed", "sessions", "proposed", "said"),
    [
        (False, False, "", "The rules propose nothing yet: F1, F2, F4 are not run."),
        (True, False, "", "The rules propose nothing yet"),
        (True, True, "pyinstaller", "The rules propose PyInstaller: F1 is met."),
    ],
    ids=["not built yet", "not tried enough", "it cannot be built"],
)
def test_k5_says_what_the_rules_propose_and_why(
    failed: bool,
    sessions: bool,
    proposed: str,
    said: str,
    hello: Sidecar,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The outcome is for people; the proposal is kept with its reason."""
    if failed:
        failed_build(hello)
    else:
        measured(hello)
    if sessions:
        tried_hard(hello)
    kept = fallback.propose(hello)
    assert kept["proposal"] == proposed
    assert said in capsys.readouterr().out
    assert kept["reason"]


def test_k6_opens_one_entry_when_pyinstaller_is_selected(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """And finds it there the next time."""
    failed_build(hello)
    tried_hard(hello)
    opened = fallback.follow_up(hello)["issue"]
    assert f"opened issues/{opened}-" in capsys.readouterr().out
    (entry,) = [item for item in issue_log.load(hello.workspace.issues) if item.id == opened]
    assert entry.title == "Revisit Nuitka after Milestone 0"
    assert fallback.follow_up(hello)["issue"] == opened
    assert f"open already: {opened}" in capsys.readouterr().out
    assert len(issue_log.load(hello.workspace.issues)) == 2


def test_k6_is_not_needed_while_nuitka_is_in(
    hello: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    """No entry is opened for a packager that nobody left."""
    measured(hello)
    assert fallback.follow_up(hello)["issue"] == ""
    assert "not needed" in capsys.readouterr().out
    assert issue_log.load(hello.workspace.issues) == ()


def test_the_follow_up_says_what_failed_and_how_to_try_again(hello: Sidecar) -> None:
    """An entry that a stranger can act on: the failed command, its output, the next release."""
    failed_build(hello)
    tried_hard(hello)
    entry = fallback.revisit(evidence.gather(hello))
    assert "python -m nuitka main.py" in entry.build_command
    assert "FATAL: it cannot" in entry.excerpt
    assert entry.exit_code == "1"
    assert (entry.python, entry.nuitka) == ("3.11.7", "4.3")
    assert "nox -s build_nuitka -- --mode onefile --force" in entry.follow_up


def test_a_record_of_the_steps_is_kept(hello: Sidecar, tmp_path: Path) -> None:
    """What the rules read about K1 is what the step returned."""
    measured(hello)
    kept = fallback.freeze(hello)
    with results.recording(
        fallback.NAME,
        hello,
        targets={fallback.SUBJECT: {"kind": "procedure"}},
        settings={"steps": ["K1"]},
    ) as recorder:
        recorder.add(fallback.SUBJECT, {"step": "K1", **kept})
    assert evidence.gather(hello).snapshot_problem == ""
    archive = hello.workspace.root / str(kept["snapshot"])
    archive.chmod(0o644)
    archive.write_bytes(archive.read_bytes() + b"edited")
    assert f"{archive.name} was changed" in evidence.gather(hello).snapshot_problem
