"""Commands for Windows, written into programs and read from what is installed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from spike.core.errors import MissingToolError
from spike.wine import commands


def test_commands_are_read_from_what_is_installed(tmp_path: Path) -> None:
    """Those for a console; two distributions, one without any."""
    for name, text in {
        "one-1.0.dist-info": "[console_scripts]\none = one.cli:main\n[gui_scripts]\nw = one:w\n",
        "two-1.0.dist-info": "[pytest11]\ntwo = two.plugin\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "entry_points.txt").write_text(text, encoding="utf-8")
    assert commands.entry_points(tmp_path) == {"one": "one.cli:main"}


def test_a_launcher_is_pips_own_with_the_python_and_a_script_behind_it(tmp_path: Path) -> None:
    """A zip at the end of a program: what is in front of it does not matter to it."""
    vendored = tmp_path / "pip" / "_vendor" / "distlib"
    vendored.mkdir(parents=True)
    (vendored / "t64.exe").write_bytes(b"MZ launcher")
    program = tmp_path / "one.exe"
    commands.write_launcher(program, tmp_path, r"Z:\a b\python.exe", "one.cli:Main.run")
    content = program.read_bytes()
    assert content.startswith(b'MZ launcher#!"Z:\\')
    assert b'a b\\python.exe"\r\n' in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        script = archive.read("__main__.py").decode()
    assert "from one.cli import Main\n" in script
    assert "sys.exit(Main.run())" in script


def test_a_pip_without_a_launcher_is_said(tmp_path: Path) -> None:
    """Instead of a program that does not start."""
    with pytest.raises(MissingToolError, match="no launcher"):
        commands.write_launcher(tmp_path / "x.exe", tmp_path, "python.exe", "x:main")
