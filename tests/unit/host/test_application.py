"""The host is compiled beside the builds of a first run, and what it leaves is nothing."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from spike.core.errors import MissingToolError
from spike.core.workspace import HOST_PROGRAMS_VARIABLE, PROJECT_VARIABLE
from spike.host import application, sources

COMPILER = """
import sys, time
from pathlib import Path
time.sleep(float(sys.argv[1]))
Path("compiled").touch()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in for the compiler works; the tools that it needs are there."""
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.setenv(HOST_PROGRAMS_VARIABLE, str(tmp_path / "programs"))
    monkeypatch.setattr(sources, "sync", lambda: tmp_path)
    monkeypatch.setattr(application, "check_tools", lambda: None)
    takes(monkeypatch, 0.5)
    return tmp_path


def takes(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    command = [sys.executable, "-c", COMPILER, str(seconds)]
    monkeypatch.setattr(application, "_compile_command", lambda: command)


def test_it_is_waited_for_behind_the_builds(place: Path) -> None:
    """Not before: the builds go on meanwhile."""
    with application.compiled_meanwhile() as compiling:
        assert compiling
        assert not (place / "compiled").exists()
    assert (place / "compiled").exists()


def test_it_ends_with_a_build_that_fails(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or that is interrupted: nobody waits for it, and nothing goes on."""
    takes(monkeypatch, 60.0)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), application.compiled_meanwhile():
        raise KeyboardInterrupt
    assert time.monotonic() - started < 30
    assert not (place / "compiled").exists()


def test_it_is_compiled_once(place: Path) -> None:
    """What changes later is compiled by the step that needs it."""
    (place / "programs").mkdir()
    (place / "programs" / f"{application.HOST}{sources.SUFFIX}").touch()
    with application.compiled_meanwhile() as compiling:
        assert not compiling
    assert not (place / "compiled").exists()


def test_without_its_tools_the_builds_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checklist says what is missing, when its turn comes."""

    def missing() -> None:
        raise MissingToolError("There is no cargo.", try_next="invoke doctor")

    monkeypatch.setattr(application, "check_tools", missing)
    with application.compiled_meanwhile() as compiling:
        assert not compiling
    assert not (place / "compiled").exists()
