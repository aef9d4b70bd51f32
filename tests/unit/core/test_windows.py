"""Windows: texts and bytes in, values out, and where it is there how its jobs end."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from spike.core import windows

DIES_BETWEEN = """
import os, sys
from spike.core import process, windows
def dies(child):
    print(child.pid, flush=True)
    windows.Opened(os.getpid()).end()
windows.into_job = dies
process.spawn([sys.executable, "-c", "pass"], env=os.environ)
"""
ENDS = """
import os, sys
from spike.core import process
process.spawn([sys.executable, "-c", "import time; time.sleep(60)"], env=os.environ)
sys.exit(3)
"""


def ran(script: str) -> subprocess.CompletedProcess[str]:
    """A script of a Python of its own, and how that ended."""
    return subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


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


@pytest.mark.skipif(sys.platform != "win32", reason="there are no job objects")
def test_who_dies_between_a_start_and_its_job_leaves_nothing() -> None:
    """The program waits for its first instruction, for ever when nobody ends it."""
    for _ in range(5):
        done = ran(DIES_BETWEEN)
        assert done.returncode == windows.KILLED, done.stderr
        until = time.monotonic() + 10
        while windows.lives(int(done.stdout)):
            assert time.monotonic() < until, "it is left"
            time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "win32", reason="there are no job objects")
def test_the_exit_code_of_who_holds_others_is_its_own() -> None:
    """The end of its job is the end of it and of theirs, and says nothing of its own."""
    done = ran(ENDS)
    assert (done.returncode, done.stderr) == (3, "")
