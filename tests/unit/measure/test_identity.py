"""Which checkout this is: kept by a move, lost by a copy, the same for processes at once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spike.core.errors import StorageError
from spike.core.workspace import TOOL
from spike.measure import identity

ASK = (
    "import sys; from pathlib import Path; from spike.measure import identity; "
    "print(identity.checkout(Path(sys.argv[1])))"
)


def test_it_is_made_at_first_use_and_stays(tmp_path: Path) -> None:
    """Reading makes none: who looks at results writes nothing."""
    assert identity.read(tmp_path) == ""
    assert not list(tmp_path.iterdir())
    made = identity.checkout(tmp_path)
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert identity.checkout(tmp_path) == identity.read(tmp_path) == made


def test_a_move_keeps_it_and_a_copy_gets_its_own(tmp_path: Path) -> None:
    """The copy carries the file, whose anchor does not fit it."""
    root = tmp_path / "one"
    root.mkdir()
    made = identity.checkout(root)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    root.rename(tmp_path / "moved")
    assert identity.checkout(tmp_path / "moved") == made
    assert identity.read(copy) == ""
    assert identity.checkout(copy) not in ("", made)
    assert identity.checkout(tmp_path / "moved") == made


def test_another_machine_is_another_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that was put into another machine keeps its inodes."""
    made = identity.checkout(tmp_path)
    monkeypatch.setattr(identity, "machine_id", lambda: "another")
    assert identity.read(tmp_path) == ""
    assert identity.checkout(tmp_path) != made


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda text: text.replace('"number": "', '"number": "0'),
        lambda text: json.dumps({**json.loads(text), "number": 7}),
        lambda text: json.dumps({**json.loads(text), "anchor": "0"}),
    ],
    ids=range(8),
)
def test_a_damaged_file_is_a_new_identity(tmp_path: Path, damage: Callable[[str], str]) -> None:
    """Nothing that it says can be believed, and nobody can mend it by hand."""
    made = identity.checkout(tmp_path)
    path = tmp_path / identity.FILE_NAME
    path.write_text(damage(path.read_text()))  # in place: the inode stays
    assert identity.read(tmp_path) == ""
    again = identity.checkout(tmp_path)
    assert again not in ("", made)
    assert identity.read(tmp_path) == again


def test_nothing_of_the_machine_is_in_it(tmp_path: Path) -> None:
    """Results are published, and a copy of the checkout may be given away."""
    identity.checkout(tmp_path)
    text = (tmp_path / identity.FILE_NAME).read_text()
    assert set(json.loads(text)) == {"schema", "number", "anchor"}
    if machine := identity.machine_id():
        assert machine not in text


@pytest.mark.parametrize("damaged", [False, True])
def test_processes_at_once_agree(tmp_path: Path, damaged: bool) -> None:
    """A run that started a moment earlier must not hold an identity that is no longer there."""
    if damaged:
        path = tmp_path / identity.FILE_NAME
        path.parent.mkdir()
        path.write_text("{")
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path)], cwd=TOOL, stdout=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    said = {process.communicate()[0].strip() for process in asking}
    assert said == {identity.read(tmp_path)}


def test_where_nothing_can_be_written_it_is_an_error(tmp_path: Path) -> None:
    """A file where the folder should be: for an administrator too."""
    (tmp_path / ".spike").touch()
    with pytest.raises(StorageError, match=r"\.spike/identity\.json cannot be written"):
        identity.checkout(tmp_path)


IOREG = """\
+-o J314sAP  <class IOPlatformExpertDevice, id 0x100000269, registered, matched, active, retain 41>
    {
      "manufacturer" = <"Apple Inc.">
      "IOPlatformUUID" = "5B5F0EC6-8E9A-5C8D-A9F2-0A8F0C6D1E2F"
    }
"""
"""In the form of ioreg(8), the identifiers made up."""


def test_macos_tells_its_machine_by_ioreg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing where that program is not there."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert identity.machine_id() == ""
    (tmp_path / "ioreg").write_text(f"#!/bin/sh\nIFS= read -r x\necho '{IOREG}'\n")
    (tmp_path / "ioreg").chmod(0o755)
    assert identity.machine_id() == "5B5F0EC6-8E9A-5C8D-A9F2-0A8F0C6D1E2F"
