"""Results of an emulated Windows have no figure of the machine, and say so."""

from __future__ import annotations

import signal

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from commands import startup
from spike.core import windows
from spike.core.errors import EXIT_CANNOT, UnsuitableError
from spike.measure import emulated

ON_WINE = {"platform": "Windows", "emulated": "wine 8.0"}


def test_times_and_sizes_are_taken_out_at_any_depth() -> None:
    """What was seen stays: that it failed, how it ended, what it left."""
    sample = {
        "failure": None,
        "ready_ms": 12.5,
        "exit_code": 0,
        "files_left": ["a"],
        "after_kill": {"processes": 1, "gone_s": 0.4},
        "rows": [{"peak_bytes": 7, "name": "x"}],
    }
    assert emulated.without_figures(sample) == {
        "failure": None,
        "ready_ms": None,
        "exit_code": 0,
        "files_left": ["a"],
        "after_kill": {"processes": 1, "gone_s": None},
        "rows": [{"peak_bytes": None, "name": "x"}],
    }


def test_a_missing_figure_says_why_it_is_missing() -> None:
    """In a cell and in a sentence; a dash that is no whole cell is left alone."""
    table = "| variant | READY |\n|---------|-------|\n| one-dir |     - |\n| a - b |  - |"
    told = emulated.told(table, ON_WINE)
    assert told.count("under Wine: not measured") == 2
    assert "| one-dir |" in told
    assert "| a - b |" in told
    assert "|---------|" in told
    assert emulated.told("| one | not measured |", ON_WINE) == "| one | under Wine: not measured |"
    sentence = "READY was not measured, in 20 launches."
    once = emulated.told(sentence, ON_WINE)
    assert once == "READY was not measured under Wine, in 20 launches."
    assert emulated.told(once, ON_WINE) == once


def test_nothing_is_said_of_a_real_system() -> None:
    """The text is the module's own, byte by byte."""
    table = "| one |  - | not measured |"
    assert emulated.told(table, {"platform": "Windows"}) == table


def test_what_is_all_figures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an emulated system alone."""
    emulated.refuse("invoke size")
    monkeypatch.setattr(windows, "emulator", lambda: "wine 8.0")
    with pytest.raises(UnsuitableError, match="invoke size: under Wine: not measured"):
        emulated.refuse("invoke size")


def test_no_start_is_profiled_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all figures, too, although it is no benchmark."""
    monkeypatch.setattr(windows, "emulator", lambda: "wine 8.0")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the test runner's stay its own
    with pytest.raises(Exit, match="invoke startup: under Wine: not measured") as ended:
        startup.startup(Context())
    assert ended.value.code == EXIT_CANNOT
