"""What is tried is found as it was typed, and its language is told by its files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.contract import subject
from spike.core.errors import MissingToolError, UsageError


def program(folder: Path, name: str, content: bytes = b"\x7fELF") -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_arguments_that_name_files_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program runs in a folder of its own; a word that only looks like a file stays."""
    program(tmp_path, "run")
    (tmp_path / "main.py").write_text("")
    (tmp_path / "serve").write_text("")
    monkeypatch.chdir(tmp_path)
    found = subject.find(["./run", "main.py", "serve", "no.py", "--port={free_port}"])
    assert found.argv == (
        str(tmp_path / "run"),
        str(tmp_path / "main.py"),
        "serve",
        "no.py",
        "--port={free_port}",
    )
    assert found.shown[:2] == ("./run", "main.py")
    assert found.asks_for_port
    assert not subject.find(["./run"]).asks_for_port


def test_a_bare_name_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not in the folder, as a shell does it; the error says so."""
    (tmp_path / "bin").mkdir()
    path = program(tmp_path / "bin", "sidecar-of-mine")
    monkeypatch.setenv("PATH", str(path.parent))
    monkeypatch.chdir(path.parent)
    assert subject.find(["sidecar-of-mine"]).argv == (str(path),)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError) as caught:
        subject.find(["sidecar-of-mine"])
    assert caught.value.try_next == "invoke contract -- ./sidecar-of-mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no file lacks the right to be executed there")
@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("a.py", "invoke contract -- python3 ./a.py"),
        ("a.mjs", "invoke contract -- node ./a.mjs"),
        ("a", "chmod +x ./a"),
    ],
)
def test_what_cannot_be_executed_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, then: str
) -> None:
    """A script by its interpreter."""
    (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingToolError) as caught:
        subject.find([f"./{name}"])
    assert caught.value.try_next == then


def test_no_program_and_a_folder_are_mistakes(tmp_path: Path) -> None:
    """With a command that would be right."""
    for words in ([], [str(tmp_path)]):
        with pytest.raises(UsageError) as caught:
            subject.find(words)
        assert caught.value.try_next.startswith("invoke contract -- ")
    with pytest.raises(MissingToolError, match="There is no program"):
        subject.find([str(tmp_path / "none")])


@pytest.mark.parametrize(
    ("name", "content", "language"),
    [
        ("python3.12", b"x", "Python"),
        ("python.exe", b"x", "Python"),
        ("node", b"x", "Node"),
        ("a.py", b"x", "Python"),
        ("a.cjs", b"x", "Node"),
        ("script", b"#!/usr/bin/env python3\nprint(1)\n", "Python"),
        ("script", b"#!/usr/local/bin/node --no-warnings\n", "Node"),
        ("script", b"#!/bin/sh\npython3 x.py\n", ""),
        ("binary", b"\x7fELF...\xff Go buildinf:\x08\x02...", "Go"),
        ("binary", b"\x7fELF...MEI\x0c\x0b\x0a\x0b\x0e...", "Python"),
        ("binary", b"\x7fELF...NODE_SEA_FUSE_fce6...", "Node"),
        ("binary", b"\x7fELF...", ""),
        ("empty", b"", ""),
    ],
)
def test_the_language_is_told_by_name_script_or_file(
    tmp_path: Path, name: str, content: bytes, language: str
) -> None:
    """And is empty when nothing tells it."""
    assert subject.language_of([str(program(tmp_path, name, content))]) == language


def test_the_language_of_the_interpreter_here() -> None:
    """Behind whatever links it is reached."""
    assert subject.language_of([sys.executable, "x"]) == "Python"
    assert subject.language_of(["/no/such/program"]) == ""
