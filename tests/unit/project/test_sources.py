"""What is a source and what only lies beside the sources."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from spike.core import windows
from spike.project import sources


def written(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")


def found(folder: Path, *shipped: str) -> list[str]:
    return [path.as_posix() for path in sources.files(folder, shipped=shipped)]


def test_environments_caches_and_build_output_are_no_sources(tmp_path: Path) -> None:
    """They are large, they change by themselves, and none of them is the author's work."""
    written(tmp_path, "main.py", "pkg/build/__init__.py", "pkg/dist/x.txt")
    written(tmp_path, "venv/bin/python", ".venv/x.py", "node_modules/a/b.js", ".tox/x", ".nox/y")
    written(tmp_path, "build/main/x.toc", "dist/main.bin", "pkg.egg-info/PKG-INFO")
    written(tmp_path, "env-of-mine/pyvenv.cfg", "env-of-mine/lib/x.py", "pkg/__pycache__/x.pyc")
    written(tmp_path, "decision-record.md", "requirements.wheels/a.whl")
    assert found(tmp_path) == ["main.py", "pkg/build/__init__.py", "pkg/dist/x.txt"]


def test_a_package_may_be_called_build(tmp_path: Path) -> None:
    """A name alone is no proof."""
    written(tmp_path, "build/__init__.py", "build/rules.py")
    assert found(tmp_path) == ["build/__init__.py", "build/rules.py"]


def test_data_ships_wherever_it_lies(tmp_path: Path) -> None:
    """A web page that was built into dist/ is named as data."""
    written(tmp_path, "main.py", "dist/index.html", "dist/a/b.js", "build/x.toc")
    assert found(tmp_path, "dist") == ["dist/a/b.js", "dist/index.html", "main.py"]
    assert found(tmp_path, "build/x.toc") == ["build/x.toc", "main.py"]


@pytest.mark.skipif(bool(windows.emulator()), reason="Wine 8 makes no links")
def test_a_link_in_a_circle_ends(tmp_path: Path) -> None:
    """A link to a file counts as the file; a link to a folder above is not followed."""
    written(tmp_path, "main.py")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "copy.py").symlink_to(tmp_path / "main.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")
    assert found(tmp_path) == ["copy.py", "main.py"]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_what_git_ignores_is_no_source(tmp_path: Path) -> None:
    """Except generated modules, which the program imports, and a folder that was named itself."""
    project = tmp_path / "here" / "project"
    written(project, "main.py", "models/a.bin", "notes.db", "_version.py", "secret.env")
    written(project, "proto/__init__.py", "proto/a_pb2.py")
    written(project, "out/log.txt", "out/model.bin", "docs/site/index.html", "docs/a.md")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("*.db\nout/\nproto/\n_version.py\n*.env\nsite/\n")
    generated = ["proto/__init__.py", "proto/a_pb2.py"]
    assert found(project) == [
        *("_version.py", "docs/a.md", "main.py", "models/a.bin"),
        *generated,
    ]
    assert "out/model.bin" in found(project, "out/model.bin")
    (tmp_path / ".gitignore").write_text("here/\n")
    assert "notes.db" in found(project), "a folder that is ignored as a whole was named"
