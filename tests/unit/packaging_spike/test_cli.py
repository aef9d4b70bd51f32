"""``packaging-spike init``: two files, and nothing of anybody's is overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from packaging_spike import cli
from spike import __version__
from spike.core.errors import UsageError
from spike.core.workspace import TOOL


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packaging_spike", *words],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(TOOL)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_files_are_two_lines_each() -> None:
    """As the page about them shows them."""
    page = (TOOL / "docs" / "in-your-repository.md").read_text(encoding="utf-8")
    for name, text in cli.FILES.items():
        assert len(list(filter(None, text.splitlines()))) == 2
        assert f"`{name}`:\n\n```python\n{text}```" in page


def test_init_writes_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    """And says what comes next; a second time nothing changes."""
    first = run("init", "new one", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("written") == 2
    assert "invoke spike" in first.stdout
    made = {
        path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new one").iterdir()
    }
    assert made == cli.FILES
    assert run("init", "new one", folder=tmp_path).stdout.count("unchanged") == 2


@pytest.mark.parametrize("content", [b"import nox\n", b"\xff", b""])
def test_init_overwrites_nothing(tmp_path: Path, content: bytes) -> None:
    """The other file is not written either; the error has the lines to add."""
    (tmp_path / "noxfile.py").write_bytes(content)
    with pytest.raises(UsageError) as told:
        cli.begin(tmp_path)
    assert (tmp_path / "noxfile.py").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["noxfile.py"]
    assert "sessions.declare(__file__)" in str(told.value)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """One paragraph, and 2."""
    (tmp_path / "file").write_text("")
    done = run("init", "file", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_new_makes_an_application(tmp_path: Path) -> None:
    """The same as `invoke new`; what is there is an error."""
    done = run("new", "My App", "--identifier", "org.me.notes", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\n  npm run tauri dev\n" in done.stdout
    assert "org.me.notes" in (tmp_path / "My App/src-tauri/tauri.conf.json").read_text()
    again = run("new", "My App", folder=tmp_path)
    assert again.returncode == 2
    assert again.stderr.startswith("error: ")


def test_the_version_is_the_tools(tmp_path: Path) -> None:
    """There is one."""
    assert run("--version", folder=tmp_path).stdout == f"packaging-spike {__version__}\n"


def test_a_wrong_word_is_an_error(tmp_path: Path) -> None:
    """With the words that there are."""
    done = run("inti", folder=tmp_path)
    assert done.returncode == 2
    assert "init" in done.stderr
