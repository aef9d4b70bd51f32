"""The tool and the project are two things: what each of them is asked for, and where it lies."""

from __future__ import annotations

import platform as system
import sys
from pathlib import Path

import pytest

from spike.core import process, workspace
from spike.core.errors import SidecarError, StorageError
from spike.host import sources
from spike.project import sidecar


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project beside the tool, with a sidecar of its own."""
    folder = tmp_path / "sidecar"
    folder.mkdir()
    (folder / "main.py").write_text("print('READY')")
    (folder / "pyproject.toml").write_text('[project]\nname = "other"\nversion = "1.0.0"\n')
    monkeypatch.setenv(workspace.PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_this_repository_is_its_own_first_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to say where the project is as long as there is but one."""
    monkeypatch.delenv(workspace.PROJECT_VARIABLE, raising=False)
    assert workspace.project() == workspace.TOOL
    assert sidecar.load().name == "sidecar-hello"


def test_everything_that_is_written_lies_below_the_project(project: Path) -> None:
    """The workspace of the project's own sidecar has no folder in the tool."""
    found = sidecar.load()
    assert found.name == "other"
    assert found.is_own
    assert not found.is_hello
    space = found.workspace
    for place in (space.dist, space.build, space.results, space.record, space.issues):
        assert place.is_relative_to(project)
    assert sources.folder().is_relative_to(project / "build")


def test_a_sidecar_of_the_tool_is_found_from_a_project(project: Path) -> None:
    """The probe and the failing sidecar come with the tool; what is built of them does not."""
    probe = sidecar.load("benchmarks/faults/probe")
    assert probe.folder == workspace.TOOL / "benchmarks" / "faults" / "probe"
    assert probe.option == " --sidecar benchmarks/faults/probe"
    assert probe.workspace.dist.is_relative_to(project)


def test_a_project_without_a_sidecar_does_not_get_the_tools(project: Path) -> None:
    """Otherwise a user would package a program that is not theirs, and not notice."""
    (project / "sidecar").rename(project / "another")
    for named in (None, "sidecar"):
        with pytest.raises(SidecarError, match="There is no folder"):
            sidecar.load(named)


def test_paths_are_published_without_the_folders_of_this_machine(project: Path) -> None:
    """Relative to the project, or to the tool for what the tool brings."""
    lock = workspace.TOOL / "locks" / "tools.txt"
    assert workspace.display_path(project / "dist" / "x") == "dist/x"
    assert workspace.display_path(lock) == "locks/tools.txt"
    text = f"{project}/dist/x, {lock}, {project}, {Path.home()}/y"
    assert workspace.publishable(text) == "dist/x, locks/tools.txt, ., ~/y"
    assert workspace.publishable(f"{project}-2/x").endswith(f"{project.name}-2/x")


def test_the_host_is_compiled_from_a_copy(project: Path) -> None:
    """Cargo and Tauri write beside the sources, and the tool's are not theirs to write to."""
    place = sources.sync()
    assert (place / "Cargo.lock").read_bytes() == (sources.BROUGHT / "Cargo.lock").read_bytes()
    (place / "target").mkdir()
    (place / "target" / "compiled").touch()
    kept = (place / "Cargo.toml").stat().st_mtime_ns
    (place / "build.rs").write_text("changed by hand")
    (place / "no-longer-brought.rs").touch()
    sources.sync()
    assert (place / "target" / "compiled").exists()
    assert (place / "Cargo.toml").stat().st_mtime_ns == kept
    assert (place / "build.rs").read_bytes() == (sources.BROUGHT / "build.rs").read_bytes()
    assert not (place / "no-longer-brought.rs").exists()


def test_a_copy_that_cannot_be_written_is_an_error(project: Path) -> None:
    """A file where a folder should be is said to be so."""
    (project / "build").touch()
    with pytest.raises(StorageError, match="cannot be copied to build/host/src-tauri"):
        sources.sync()


def test_what_the_tool_brings_is_named_by_a_path_that_is_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere a path of this repository would lead nowhere."""
    page = "docs/contract.md"
    monkeypatch.setenv("HOME", str(project))
    assert workspace.brought(page) == str(workspace.TOOL / page)
    assert Path(workspace.brought(page)).is_file()
    monkeypatch.setenv("HOME", str(workspace.TOOL.parent))
    assert workspace.brought(page) == f"~/{workspace.TOOL.name}/{page}"
    monkeypatch.delenv(workspace.PROJECT_VARIABLE)
    assert workspace.brought(page) == page


@pytest.mark.parametrize(
    ("on", "machine", "name", "triple"),
    [
        ("darwin", "arm64", "macos-arm64", "aarch64-apple-darwin"),
        ("darwin", "x86_64", "macos-x64", "x86_64-apple-darwin"),
    ],
)
def test_a_platform_has_the_plans_name_and_rusts(
    monkeypatch: pytest.MonkeyPatch, on: str, machine: str, name: str, triple: str
) -> None:
    """By what Python calls it there."""
    monkeypatch.setattr(sys, "platform", on)
    monkeypatch.setattr(system, "machine", lambda: machine)
    assert (workspace.platform_id(), workspace.target_triple()) == (name, triple)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shells' rules")
@pytest.mark.parametrize("name", ["plain", "My Project", "it's (a) $HOME; x", "Größe", "a'b"])
def test_a_path_in_a_command_is_one_word(project: Path, name: str) -> None:
    """What a message tells to run works when it is pasted, whatever a folder is called."""
    for path in (project / name, Path.home() / name):
        pasted = ["sh", "-c", f"printf %s {workspace.command_path(path)}"]
        done = process.capture(pasted, cwd=project)
        assert project / done.output == path
    assert workspace.command_path(project / "sidecar") == "sidecar"
    assert workspace.command_path(project / "-lead") == "./-lead"
