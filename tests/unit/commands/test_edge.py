"""The edge of the invoke tasks: words become numbers, errors become text and an exit code."""

from __future__ import annotations

import os
import signal

import pytest
from invoke.exceptions import Exit

from commands.edge import edge, whole_number
from spike.core.errors import MissingToolError, UsageError


@pytest.fixture(autouse=True)
def _handler() -> object:
    """The tasks set the handler of SIGTERM for their process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@edge
def task(kind: str) -> int | None:
    """Do what a task may do."""
    if kind == "error":
        raise MissingToolError("strace is not there.", try_next="invoke doctor --with-deps")
    if kind == "interrupted":
        raise KeyboardInterrupt
    if kind == "terminated":
        os.kill(os.getpid(), signal.SIGTERM)
    return {"done": 0, "nothing": None, "missed": 1}[kind]


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("error", 2, "error: strace is not there. Try: invoke doctor --with-deps"),
        ("interrupted", 130, "interrupted: what was measured so far is kept"),
        ("terminated", 130, "interrupted: what was measured so far is kept"),
        ("missed", 1, ""),
    ],
)
def test_what_ends_a_task(kind: str, code: int, says: str) -> None:
    """SIGTERM like Ctrl-C; a missed target says nothing more than the task itself."""
    with pytest.raises(Exit) as end:
        task(kind)
    assert end.value.code == code
    assert (end.value.message or "").startswith(says)


def test_a_task_that_is_done_just_returns() -> None:
    """Exit code 0."""
    assert task("done") is None
    assert task("nothing") is None


@pytest.mark.parametrize("text", ["0", "101", "-1", "many", "", "1.5", "1e1"])
def test_what_is_no_number_of_the_range_is_refused(text: str) -> None:
    """With the range, what was typed, and a value that works."""
    with pytest.raises(UsageError) as caught:
        whole_number(text, "--launches", low=1, high=100)
    assert "from 1 to 100" in str(caught.value)
    assert repr(text) in str(caught.value)
    (option, value) = caught.value.try_next.split()
    assert option == "--launches"
    assert whole_number(value, option, low=1, high=100) == 20


@pytest.mark.parametrize("text", ["1", "100", " 7 "])
def test_a_number_of_the_range_is_read(text: str) -> None:
    """Ends included."""
    assert whole_number(text, "--launches", low=1, high=100) == int(text)
