"""PyInstaller is told what the settings say, or runs the author's own .spec file."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core.errors import UnsuitableError
from spike.packagers import variant_named
from spike.packagers.pyinstaller import PYINSTALLER, spec_names
from spike.packagers.recipe import Recipe
from spike.project.sidecar import Sidecar

SPEC = """
NAME = "notes"
a = Analysis(["main.py"])
exe = EXE(PYZ(a.pure), a.scripts, name=NAME)
"""
FOLDER = SPEC + 'COLLECT(exe, a.binaries, name="notes-folder")\n'


def recipe(folder: Path, text: str, **settings: object) -> Recipe:
    (folder / "main.py").touch()
    (folder / "notes.spec").write_text(text)
    sidecar = Sidecar(folder=folder, name="app", version="1", **settings)  # type: ignore[arg-type]
    return PYINSTALLER.recipe(sidecar, "spec")


def test_a_spec_file_is_a_mode_of_its_own(tmp_path: Path) -> None:
    """It says what its program is called, in one file or in a folder."""
    assert not variant_named("pyinstaller-spec").mode.default
    one = recipe(tmp_path, SPEC, spec="notes.spec", packager_args={"pyinstaller": ("--clean",)})
    assert one.argv[:2] == ("pyinstaller", "sidecar/notes.spec")
    assert one.argv[-1] == "--clean"
    assert (one.artifact.name, one.folder) == ("notes", None)
    folder = recipe(tmp_path, FOLDER, spec="notes.spec")
    assert folder.folder is not None
    assert (folder.folder.name, folder.artifact.parent) == ("notes-folder", folder.folder)


def test_a_spec_file_that_is_not_there_or_not_plain_is_said(tmp_path: Path) -> None:
    """With the line that helps."""
    with pytest.raises(UnsuitableError, match=r"needs a \.spec file") as caught:
        recipe(tmp_path, SPEC)
    assert caught.value.try_next == '[tool.sidecar.pyinstaller] spec = "my-service.spec"'
    with pytest.raises(UnsuitableError, match="what its program is called"):
        recipe(tmp_path, "EXE(name=make())", spec="notes.spec")
    with pytest.raises(UnsuitableError, match="not valid Python"):
        spec_names("EXE(")


def test_own_roots_and_options_reach_the_command(tmp_path: Path) -> None:
    """Folders of own modules, excluded modules, and what only this packager has."""
    (tmp_path / "src" / "pkg").mkdir(parents=True)
    (tmp_path / "src" / "pkg" / "__init__.py").touch()
    (tmp_path / "main.py").write_text("import pkg\n")
    sidecar = Sidecar(
        folder=tmp_path,
        name="app",
        version="1",
        package_roots=("src",),
        exclude=("tkinter",),
        packager_args={"pyinstaller": ("--noconsole",), "nuitka": ("--lto=yes",)},
    )
    argv = PYINSTALLER.recipe(sidecar, "onedir").argv
    assert argv[-3:] == ("--exclude-module=tkinter", "--paths=sidecar/src", "--noconsole")
    nuitka = variant_named("nuitka-standalone").packager.recipe(sidecar, "standalone")
    assert nuitka.env["PYTHONPATH"] == "sidecar/src"
    assert nuitka.argv[-2:] == ("--nofollow-import-to=tkinter", "--lto=yes")
    frozen = variant_named("cx_freeze-onedir").packager.recipe(sidecar, "onedir")
    settings = frozen.files[Path("pyproject.toml")]
    assert 'path = ["sidecar", "sidecar/src", ' in settings
    assert frozen.argv[-2:] == ("--excludes", "tkinter")
