"""What can be known of Windows without it: texts and bytes in, values out."""

from __future__ import annotations

import sys

import pytest

from spike.core import windows


def test_a_block_of_the_environment_is_read_to_its_end() -> None:
    """Entries that begin with "=" are the shell's own, and nothing behind the end counts."""
    block = "=C:=C:\\work\0Path=C:\\a;C:\\b\0SPIKE_LAUNCH_MARK=1\0A=b=c\0\0GARBAGE=1\0"
    assert windows.entries(block) == {"Path": "C:\\a;C:\\b", "SPIKE_LAUNCH_MARK": "1", "A": "b=c"}
    assert windows.entries("") == {}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "0"),
        (3, "3"),
        (259, "259"),
        (0xC0000005, "0xC0000005, an access violation"),
        (0xC0001234, "0xC0001234"),
    ],
)
def test_an_exit_code_that_stands_for_a_fault_is_named(code: int, text: str) -> None:
    """There is no signal that would name it."""
    assert windows.code_text(code) == text


def test_a_program_starts_without_a_window_and_waits_for_its_job() -> None:
    """Each of the three flags (processthreadsapi.h)."""
    assert windows.START_FLAGS == 0x08000000 | 0x00000200 | 0x00000004


@pytest.mark.skipif(sys.platform == "win32", reason="it may be Wine")
def test_nothing_plays_windows_here() -> None:
    """Only Wine has the function that tells it."""
    assert windows.emulator() == ""
