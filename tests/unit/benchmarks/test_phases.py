"""Phases of a launch: a whole without a rest, or a word that it cannot be divided."""

from __future__ import annotations

import pytest

from benchmarks import phases

STRACE = """\
101 1700000000.000000000 execve("dist/app", [...], 0x7ffe /* 38 vars */) = 0
101 1700000000.000100000 execve("/nowhere/app", [...], 0x7ffe /* 38 vars */) = -1 ENOENT (No such)
102 1700000000.080000000 execve("/tmp/onefile/app", [...], 0x55 /* 43 vars */) = 0
103 1700000000.090000000 execveat(5, "", [...], 0x55 /* 43 vars */, AT_EMPTY_PATH) = 0
"""


def test_failed_execves_are_not_starts() -> None:
    """Only a successful execve begins a program."""
    assert [call.pid for call in phases.parse(STRACE)] == [101, 102, 103]


def test_a_launch_is_divided_without_a_rest() -> None:
    """Launcher, interpreter and program add up to the whole from the first execve to READY."""
    calls = phases.parse(STRACE)
    start = calls[0].at_ns
    parts = phases.divide(
        calls, pid=102, entered_ns=start + 110_000_000, ready_ns=start + 112_000_000
    )
    assert parts["launcher_ms"] == pytest.approx(80.0)
    assert parts["interpreter_ms"] == pytest.approx(30.0)
    assert parts["program_ms"] == pytest.approx(2.0)
    assert sum(value for value in parts.values() if value) == pytest.approx(112.0)


def test_a_program_without_a_stamp_is_not_divided_further() -> None:
    """What cannot be told apart is said to be so."""
    calls = phases.parse(STRACE)
    parts = phases.divide(calls, pid=102, entered_ns=None, ready_ns=calls[0].at_ns + 112_000_000)
    assert parts["interpreter_ms"] is None
    assert parts["unsplit_ms"] == pytest.approx(32.0)
