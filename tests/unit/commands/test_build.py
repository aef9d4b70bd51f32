"""What the doctor looks at: the tools, a sidecar, or both."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands.build import doctor
from spike.build import doctor as needs
from spike.build.doctor import Need
from tests.support import sidecars

PYTHON = Need(name="a Python", purpose="builds", programs=(sys.executable,))
LIMPET = Need(name="limpet", purpose="builds", programs=("no-such-limpet",))


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    """The tasks set the handler of SIGTERM for their process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A sidecar that a build would take."""
    return str(sidecars.hello(tmp_path / "notes", name="notes").folder)


def test_a_sidecar_alone_is_looked_at_without_the_tools(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is a second's work, whatever the tools are."""
    monkeypatch.setattr(needs, "NEEDS", (LIMPET,))
    doctor(Context(), sidecar=folder)
    said = capsys.readouterr().out
    assert "notes 1.0.0: main.py is packaged." in said
    assert "limpet" not in said


def test_tools_and_sidecar_are_one_command(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one of docs/your-own-sidecar.md; a tool that apt does not have is named."""
    monkeypatch.setattr(needs, "NEEDS", (PYTHON,))
    doctor(Context(), with_deps=True, sidecar=folder)
    said = capsys.readouterr().out
    assert "a Python" in said
    assert "notes 1.0.0: main.py is packaged." in said
    monkeypatch.setattr(needs, "NEEDS", (PYTHON, LIMPET))
    with pytest.raises(Exit) as end:
        doctor(Context(), with_deps=True, sidecar=folder)
    assert end.value.code == 2
    said = capsys.readouterr().out
    assert "missing: limpet" in said
    assert "notes 1.0.0: main.py is packaged." in said


def test_a_folder_that_is_no_sidecar_installs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is looked at first."""
    monkeypatch.setattr(needs, "NEEDS", (LIMPET,))
    with pytest.raises(Exit) as end:
        doctor(Context(), with_deps=True, sidecar=str(tmp_path / "none"))
    assert end.value.code == 2
    assert "limpet" not in capsys.readouterr().out
