"""The issue log: the plan's template, its linter and its drafts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from spike import issue_log
from spike.core.errors import IssueLogError, UsageError
from spike.core.workspace import TOOL as ROOT

BARE = """\
### Issue 7: Onefile turns SIGTERM into SIGINT
- Date: 2026-11-23
- Reporter: a tester
- Platform: Linux
- Arch: x64
- Python: 3.11.7
- Nuitka: 4.3.3
- Tauri: not involved
- Severity: medium

#### Symptoms
SHUTDOWN says the wrong signal. <!-- a note
#### in a comment -->

```text
  <!-- kept -->
#### This is output, not a heading
- Severity: urgent
```

#### Reproduction
1. Launch it.
2. Send SIGTERM.

#### Expected vs Actual
- Expected: signal=SIGTERM
- Actual: signal=SIGINT

#### Diagnostics
- Build command: `python -m nuitka sidecar/main.py --onefile`
- Launch command/path: dist/nuitka/main.bin
- Stdout/Stderr excerpt:

  ```text
  READY
    SHUTDOWN reason=signal signal=SIGINT
  ```
- Exit code: 0

#### Suspected Cause
The parent forwards every signal as SIGINT.

#### Resolution / Mitigation
Treat both alike.

#### Follow-up Actions
- [ ] host: treat both alike
- [ ] docs: say so
"""


def test_bare_form_of_the_plan_is_valid() -> None:
    """An entry with the plan's fields alone is read, every field of it."""
    entry = issue_log.parse(BARE)
    assert (entry.id, entry.title) == ("7", "Onefile turns SIGTERM into SIGINT")
    assert (entry.platform, entry.arch, entry.severity) == ("Linux", "x64", "medium")
    assert entry.build_command == "python -m nuitka sidecar/main.py --onefile"
    assert entry.excerpt == "READY\n  SHUTDOWN reason=signal signal=SIGINT"
    assert entry.exit_code == "0"
    assert entry.reproduction == "1. Launch it.\n2. Send SIGTERM."
    assert "- Severity: urgent" in entry.symptoms
    assert "\n  <!-- kept -->\n" in entry.symptoms
    assert "a note" not in entry.symptoms
    assert entry.is_open
    assert entry.about == "nuitka"
    assert entry.unfilled == ()


def test_the_plan_document_and_the_template_agree() -> None:
    """issues/TEMPLATE.md is the plan's template, field for field, then the optional section."""
    committed = (ROOT / "issues" / "TEMPLATE.md").read_text(encoding="utf-8")
    assert committed == issue_log.template()
    plan = (ROOT / "docs" / "packaging-spike-plan.md").read_text(encoding="utf-8")
    wanted = plan.split("```md\n")[1].split("```")[0]
    bare = committed.split(f"\n#### {issue_log.EXTENSION}")[0]
    assert _without_blank_ends(bare) == _without_blank_ends(wanted)


def _without_blank_ends(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("Severity: medium", "Severity: urgent", 9, "allowed: blocker, high, medium, low"),
        ("Platform: Linux", "Platform: linux", 4, "allowed: Windows, macOS, Linux"),
        ("Arch: x64", "Arch: amd64", 5, "allowed: x64, arm64"),
        ("2026-11-23", "2026-13-23", 2, "YYYY-MM-DD"),
        ("2026-11-23", "23.11.2026", 2, "YYYY-MM-DD"),
        ("2026-11-23", "20261123", 2, "YYYY-MM-DD"),
        ("2026-11-23", "", 2, "YYYY-MM-DD"),
        ("- Nuitka: 4.3.3\n", "", 1, 'the field "Nuitka" is missing'),
        ("- Exit code: 0\n", "", 29, 'the field "Exit code" of "Diagnostics" is missing'),
        ("#### Symptoms\n", "#### Symptom\n", 11, 'the section "Symptom" is not in the template'),
        ("Severity: medium", "Severty: medium", 9, 'the field "Severty" is not in the template'),
        ("- Arch: x64\n", "- Arch: x64\n- Arch: x64\n", 6, 'the field "Arch" comes twice'),
        ("### Issue 7: Onefile", "### Onefile", 1, "### Issue <ID>: <short title>"),
        ("- Date", "some text\n- Date", 2, "outside of every field"),
    ],
)
def test_malformed_entry_names_file_line_and_what_is_allowed(
    old: str, new: str, line: int, says: str
) -> None:
    """Each kind of mistake is an error with the file, the line and the allowed values."""
    assert old in BARE
    with pytest.raises(IssueLogError) as caught:
        issue_log.parse(BARE.replace(old, new, 1), ROOT / "issues" / "0007-x.md")
    assert f"issues/0007-x.md:{line}: " in str(caught.value)
    assert says in str(caught.value)


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    """Nobody has to run the linter once per mistake."""
    text = BARE.replace("medium", "urgent").replace("x64", "mips").replace("- Tauri", "- Tori")
    with pytest.raises(IssueLogError) as caught:
        issue_log.parse(text)
    for word in ("urgent", "mips", "Tori", 'field "Tauri" is missing'):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("- Status: done", "allowed: open, resolved, accepted"),
        ("- Kind: crash", "allowed: build, launch"),
        ("- Packager: briefcase", "allowed: nuitka, pyinstaller, cx_freeze"),
        ("- Debug sessions: two", "a whole number from 0"),
        ("- Debug sessions: 1.5", "a whole number from 0"),
        ("- Working days lost: -1", "a number from 0"),
        ("- Mood: bad", "not in the template; allowed here: Status"),
    ],
)
def test_optional_section_is_checked_too(line: str, says: str) -> None:
    """The optional fields may be absent, but not wrong."""
    text = f"{BARE}\n#### {issue_log.EXTENSION}\n{line}\n"
    with pytest.raises(IssueLogError, match=says):
        issue_log.parse(text)


def test_what_is_written_is_what_is_read() -> None:
    """Rendering and parsing are each other's inverse, hard texts included."""
    entry = replace(
        issue_log.parse(BARE),
        excerpt="```\n#### no heading\n- Severity: urgent\n````",
        actual="first\n\n- Date: in a nested list\nlast",
        kind="stop",
        packager="nuitka",
        variant="nuitka-onefile",
        status="accepted",
        debug_sessions=2,
        working_days_lost=0.5,
        minimal_reproduction="issues/reproductions/x",
        reproduce="python -m benchmarks.faults.reproduce x y",
        fingerprint="0123456789ab",
    )
    assert issue_log.parse(issue_log.render(entry)) == entry


def test_a_new_entry_is_valid_as_it_stands_and_says_what_is_unfilled() -> None:
    """What `invoke issue --title` starts is no error, and is not taken for finished."""
    around = issue_log.Surroundings(
        python="3.11.7",
        nuitka="4.3.3",
        tauri="2.9.5",
        build_command="python -m nuitka sidecar/main.py --onefile",
        launch_command="dist/nuitka/main.bin",
    )
    entry = replace(issue_log.blank("Something is wrong", around), id="0001")
    again = issue_log.parse(issue_log.render(entry))
    assert again == entry
    assert again.nuitka == "4.3.3"
    assert again.build_command.startswith("python -m nuitka")
    assert "Symptoms" in again.unfilled


def test_unknown_severity_on_the_command_line_is_refused() -> None:
    """The plan has four severities."""
    with pytest.raises(UsageError, match="blocker, high, medium, low"):
        issue_log.blank("x", issue_log.Surroundings(), severity="urgent")


def test_ids_count_up_and_files_carry_them(tmp_path: Path) -> None:
    """Each entry is a file of its own, named by id and title."""
    one = issue_log.add(tmp_path, issue_log.blank("First!", issue_log.Surroundings()))
    two = issue_log.add(tmp_path, issue_log.blank("Zweiter Fall äö", issue_log.Surroundings()))
    assert (one.id, two.id) == ("0001", "0002")
    assert one.path is not None
    assert one.path.name == "0001-first.md"
    assert [entry.id for entry in issue_log.load(tmp_path)] == ["0001", "0002"]
    # A number in a heading is taken, whatever the file is called.
    (tmp_path / "by-hand.md").write_text(BARE, encoding="utf-8")
    assert issue_log.add(tmp_path, issue_log.blank("x", issue_log.Surroundings())).id == "0008"


def test_tasks_that_draft_at_once_get_ids_of_their_own(tmp_path: Path) -> None:
    """No entry is lost or overwritten, and the log stays readable."""
    from concurrent.futures import ThreadPoolExecutor

    def one(number: int) -> str:
        entry = issue_log.blank(f"Case {number}", issue_log.Surroundings())
        return issue_log.add(tmp_path, entry).id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(16)))
    assert len(set(ids)) == 16
    assert len(issue_log.load(tmp_path)) == 16


@pytest.mark.parametrize("title", ["", "  ", "two\nlines"])
def test_a_title_is_one_line(tmp_path: Path, title: str) -> None:
    """An entry without a usable title is refused, and nothing is written."""
    with pytest.raises(UsageError):
        issue_log.add(tmp_path, issue_log.blank(title, issue_log.Surroundings()))
    assert not list(tmp_path.glob("*.md"))


def test_two_files_with_one_id_are_an_error(tmp_path: Path) -> None:
    """An id names one entry."""
    (tmp_path / "a.md").write_text(BARE, encoding="utf-8")
    (tmp_path / "b.md").write_text(BARE, encoding="utf-8")
    with pytest.raises(IssueLogError, match="the id 7 is taken by"):
        issue_log.load(tmp_path)


def test_no_path_of_this_machine_gets_into_the_log(tmp_path: Path) -> None:
    """Entries are published: paths are relative to the repository or to the home folder."""
    text = f"{ROOT}{os.sep}dist/x and {Path.home()}{os.sep}y and {ROOT}"
    entry = issue_log.blank("x", issue_log.Surroundings(launch_command=text))
    written = issue_log.add(tmp_path, replace(entry, excerpt=text))
    assert written.launch_command == f"dist/x and ~{os.sep}y and ."
    assert written.path is not None
    assert str(ROOT) not in written.path.read_text(encoding="utf-8")


def test_an_absent_log_is_an_empty_one(tmp_path: Path) -> None:
    """No folder, no entries, no error."""
    assert issue_log.load(tmp_path / "issues") == ()


FAILURE = {
    "schema": 1,
    "kind": "build",
    "variant": "nuitka-onefile",
    "packager": "nuitka",
    "packager_version": "4.3.3",
    "python_version": "3.11.7",
    "sidecar": "sidecar-hello",
    "step": "nuitka itself",
    "command": "python -m nuitka sidecar/main.py --onefile",
    "exit_code": 1,
    "log": "build/sidecar-hello/nuitka-onefile/build.log",
    "tail": "Nuitka: starting\nFATAL: Error, cannot compile in 12.5 s, pid 4711.",
    "at": "2026-11-23T01:00:00+00:00",
}


def test_a_failed_build_drafts_one_entry_until_it_is_closed(tmp_path: Path) -> None:
    """The same failure with other numbers in its message is not drafted twice while open."""
    first = issue_log.draft(tmp_path, issue_log.from_build_failure(FAILURE))
    assert first is not None
    assert first.path is not None
    assert (first.severity, first.topic, first.about) == ("blocker", "build", "nuitka")
    assert "FATAL: Error" in first.excerpt
    assert first.exit_code == "1"
    assert first.build_command == FAILURE["command"]
    again = {**FAILURE, "tail": "FATAL: Error, cannot compile in 99.0 s, pid 1."}
    assert issue_log.draft(tmp_path, issue_log.from_build_failure(again)) is None
    other = {**FAILURE, "tail": "FATAL: Error, no compiler."}
    assert issue_log.draft(tmp_path, issue_log.from_build_failure(other)) is not None
    first.path.write_text(issue_log.render(replace(first, status="resolved")), encoding="utf-8")
    assert issue_log.draft(tmp_path, issue_log.from_build_failure(again)) is not None
    assert len(issue_log.load(tmp_path)) == 3


def test_a_failed_launch_drafts_an_entry_with_its_diagnostics(tmp_path: Path) -> None:
    """Command, path, tails and exit code of the first failed launch are in the draft."""
    entry = issue_log.from_failed_launch(
        sidecar="sidecar-hello",
        variant="nuitka-onefile",
        packager="nuitka",
        packager_version="4.3.3",
        python="3.11.7",
        build_command="python -m nuitka sidecar/main.py --onefile",
        launch_command="dist/nuitka/main.bin",
        command="invoke bench --launches 20 --variant nuitka-onefile",
        failed=3,
        launches=20,
        sample={
            "failure": "exited_before_ready",
            "detail": "exited with 3 before READY",
            "exit_code": 3,
            "exit_signal": "",
            "stdout_tail": ["BOOT sidecar=x"],
            "stderr_tail": ["Traceback: no"],
        },
    )
    written = issue_log.draft(tmp_path, entry)
    assert written is not None
    assert written.path is not None
    again = issue_log.parse(written.path.read_text(encoding="utf-8"))
    assert again.symptoms.startswith("3 of 20 launches")
    assert again.excerpt == "stdout: BOOT sidecar=x\nstderr: Traceback: no"
    assert (again.exit_code, again.topic) == ("3", "launch")
    assert again.launch_command == "dist/nuitka/main.bin"


def test_checklist_rows_are_told_apart(tmp_path: Path) -> None:
    """Two failed rows are two entries; the same row twice is one."""
    entries = [
        issue_log.from_checklist_row(
            sidecar="sidecar-hello",
            variant="nuitka-onefile",
            row=row,
            text="Repeated launch cycles (>=5) are stable",
            evidence="cycle 3: exited with 1",
            python="3.11.7",
            nuitka="4.3.3",
            tauri="2.9.5",
            build_command="x",
            launch_command="y",
        )
        for row in ("E1", "E3", "E3")
    ]
    assert [issue_log.draft(tmp_path, entry) is not None for entry in entries] == [
        True,
        True,
        False,
    ]


def test_the_committed_log_is_well_formed() -> None:
    """Every entry of the repository follows the template and is filled in."""
    for entry in issue_log.load(ROOT / "issues"):
        assert entry.unfilled == (), entry.path
