"""A Python is found by its version, and never by its name alone."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from spike.core.errors import MissingToolError, UsageError
from spike.project import interpreters
from spike.project.interpreters import Interpreter

HERE = "{}.{}.{}".format(*sys.version_info)


def test_the_running_python_will_do() -> None:
    """By two numbers or by three."""
    for version in (HERE, HERE.rpartition(".")[0]):
        assert interpreters.version_of(str(interpreters.find(version))) == HERE


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand for Pythons")
@pytest.mark.slow
def test_a_name_that_does_not_hold_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shim of pyenv's says that it is there, and is not; the one below its versions is."""
    shim = tmp_path / "bin" / "python3.99"
    real = tmp_path / "pyenv" / "versions" / "3.99.4" / "bin" / "python3"
    for path, text in ((shim, "echo no such command >&2; exit 127"), (real, "echo 3.99.4")):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=":")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert interpreters.find("3.99") == real
    assert interpreters.find("3.99.4") == real
    with pytest.raises(MissingToolError, match=r"no Python 3\.98 here") as caught:
        interpreters.find("3.98")
    assert caught.value.try_next.startswith("invoke doctor --pythons")
    assert caught.value.try_next.endswith("uv python install 3.98")
    with pytest.raises(MissingToolError, match=r"no Python 3\.9 here"):
        interpreters.find("3.9")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for a Python")
def test_what_ends_a_line_on_windows_is_no_part_of_a_version(tmp_path: Path) -> None:
    """Else no Python would be found there by its version."""
    told = tmp_path / "python3"
    told.write_text(f"#!/bin/sh\nprintf '3.99.4\\r\\n{tmp_path}\\r\\n'\n")
    told.chmod(0o755)
    found = Interpreter(program=told, version="3.99.4", prefix=tmp_path.resolve())
    assert interpreters.ask(str(told)) == found


def python(version: str, prefix: str) -> Interpreter:
    return Interpreter(program=Path(prefix, "bin", "python3"), version=version, prefix=Path(prefix))


def test_a_python_is_found_by_its_path(tmp_path: Path) -> None:
    """One that lies nowhere in particular; what is no Python is refused, with what shows some."""
    assert interpreters.chosen(sys.executable) == interpreters.running()
    with pytest.raises(MissingToolError, match="is no Python that runs") as caught:
        interpreters.find(str(tmp_path / "python3"))
    assert "invoke doctor --pythons" in caught.value.try_next
    for wanted in ("newest", "3", "2.7"):
        with pytest.raises(UsageError, match="takes a version or the path"):
            interpreters.find(wanted)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (python("3.11.7", "/home/a/.pyenv/versions/3.11.7"), ""),
        (python("3.11.9", "/home/a/.local/share/uv/python/cpython-3.11.9"), "3.11-uv"),
        (python("3.11.2", "/usr"), "3.11-debian"),
        (python("3.13.0", "/opt/python"), "3.13"),
    ],
)
def test_another_python_never_has_the_name_of_the_own_one(
    asked: Interpreter, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its version carries where it comes from."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    own = python("3.11.7", "/home/a/.pyenv/versions/3.11.7")
    assert interpreters.name_beside(own, asked, []) == name
    assert interpreters.name_beside(None, asked, []) == asked.short


def test_two_of_one_version_never_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found first has the version alone; else one's builds would replace the other's."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    own = python("3.12.1", "/home/a/.pyenv/versions/3.12.1")
    first, second = python("3.11.7", "/home/a/.pyenv/versions/3.11.7"), python("3.11.2", "/usr")
    names = [interpreters.name_beside(own, each, [own, first, second]) for each in (first, second)]
    assert names == ["3.11", "3.11-debian"]
    assert interpreters.name_beside(own, second, [own]) == "3.11"


@pytest.mark.slow
def test_every_python_that_is_here_is_listed_once_and_so_is_what_is_lacking() -> None:
    """The running one among them."""
    found = interpreters.here()
    prefixes = [each.prefix for each in found]
    assert interpreters.running().prefix in prefixes
    assert len(set(prefixes)) == len(found)
    first, second, *_ = interpreters.render([interpreters.running()]).splitlines()
    assert first.endswith(" (the own one)")
    assert second.endswith(": uv python install " + second.split(" ")[0])


@pytest.mark.skipif(sys.platform == "win32", reason="the script is a shell's")
def test_a_shim_is_not_measured_but_what_it_runs(tmp_path: Path) -> None:
    """A version manager's script takes longer than a Python to start; a link is left as it is."""
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    shim.chmod(0o755)
    found = interpreters.ask(str(shim))
    assert found is not None
    assert found.program == Path(sys.executable)
    link = tmp_path / "linked"
    link.symlink_to(sys.executable)
    linked = interpreters.ask(str(link))
    assert linked is not None
    assert linked.program == link
