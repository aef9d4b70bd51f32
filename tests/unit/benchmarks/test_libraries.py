"""The table of libraries says what the results say, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from benchmarks import libraries
from benchmarks.libraries import FOLDER, LibraryResult, Status
from spike.core.errors import CorruptFileError, UsageError
from spike.project import sidecar

COMMITTED = FOLDER / "results-linux-x64.json.gz"
GOOD = LibraryResult(
    library="keyring",
    variant="pyinstaller-onedir",
    status=Status.WORKS.value,
    used="keyring=25.7.0 backends=2",
    added=(),
    detail="",
    packager_version="6.22.3",
    builds=1,
    inputs="0",
    at="2026-11-23T00:00:00+00:00",
)


def test_at_least_ten_libraries_are_tried() -> None:
    """Each is a valid sidecar; its name says which library it is about."""
    names = libraries.names()
    assert len(names) >= 10
    for name in names:
        assert sidecar.load(FOLDER / name).name == f"library-{name}"


def test_the_document_is_what_the_committed_results_say() -> None:
    """No cell was written by hand, and no result is missing from the table."""
    assert libraries.check_document(libraries.load(COMMITTED)) == []


def test_the_results_belong_to_todays_programs() -> None:
    """A program that has changed since has no result yet."""
    for result in libraries.load(COMMITTED):
        today = sidecar.load(FOLDER / result.library).source_sha256()
        assert result.inputs == today, f"invoke libraries --library {result.library}"


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({}, "works"),
        (
            {"status": "works_with", "added": ('metadata = ["keyring"]',)},
            'works with `metadata = ["keyring"]`',
        ),
        (
            {"status": "fails", "detail": "exited with 1\n before | READY"},
            "fails: exited with 1 before \\| READY",
        ),
        (
            {"status": "fails", "detail": "no", "added": ('data = ["a"]',)},
            'fails (tried `data = ["a"]`): no',
        ),
        ({"status": "build_failed", "detail": "FATAL: no"}, "does not build: FATAL: no"),
    ],
)
def test_every_kind_of_result_has_its_words(changes: dict[str, object], cell: str) -> None:
    """A cell stays one cell, whatever a packager or a traceback wrote."""
    assert libraries.cell(dataclasses.replace(GOOD, **changes)) == cell  # type: ignore[arg-type]


def test_what_was_not_tried_is_not_run() -> None:
    """An empty cell never looks like a result."""
    other = dataclasses.replace(GOOD, library="lxml", variant="nuitka-standalone", used="")
    lines = libraries.render([GOOD, other]).splitlines()
    (row,) = [line for line in lines if "keyring 25.7.0" in line]
    assert row.count("not run") == 1
    assert "works" in row
    assert "pyinstaller-onedir (6.22.3)" in lines[0]
    assert "cx_freeze" not in lines[0]
    assert "cx_freeze-onedir (not run)" in libraries.render([])


def test_a_library_is_tried_in_one_folder_mode_a_packager() -> None:
    """A new packager is tried without being named here."""
    expected = ["nuitka-standalone", "pyinstaller-onedir", "cx_freeze-onedir", "cpython-folder"]
    assert libraries.folder_variants()[:4] == expected


def test_a_packager_for_another_system_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a real Python is for Linux; the others are tried all the same."""
    monkeypatch.setattr(sys, "platform", "darwin")
    found = libraries.folder_variants()
    assert found[:3] == ["nuitka-standalone", "pyinstaller-onedir", "cx_freeze-onedir"]
    assert "cpython-folder" not in found


def test_a_damaged_file_and_an_unknown_library_are_errors(tmp_path: Path) -> None:
    """Both name the next command or the choice there is."""
    path = tmp_path / "results.json"
    assert libraries.load(path) == ()
    for document in ({"schema": 1}, {"schema": 1, "results": [{"library": "x"}]}):
        path.write_text(json.dumps(document))
        with pytest.raises(CorruptFileError):
            libraries.load(path)
    with pytest.raises(UsageError, match="keyring"):
        libraries.run(["kering"], [])
