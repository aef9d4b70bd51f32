"""The hello sidecar with the names and the errors that Windows has: it starts, stops and ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spike.core.workspace import TOOL as ROOT

AS_ON_WINDOWS = """
import os, runpy, sys, time

pipe, set_blocking = os.pipe, os.set_blocking


def a_pipe():  # its end that is written to may block there, for set_wakeup_fd as well
    ends = pipe()
    set_blocking(ends[1], False)
    return ends


class Closed:  # there a closed pipe is no BrokenPipeError
    def write(self, text):
        raise OSError(22, "Invalid argument")

    def flush(self):
        pass


os.pipe = a_pipe
del os.set_blocking  # there since 3.12
del time.monotonic_ns, time.monotonic  # in steps of 16 ms there, and of another clock than ours
sys.platform = "win32"
assert "_socket" not in sys.modules
if sys.argv[2:] == ["closed"]:
    sys.stdout = Closed()
try:
    runpy.run_path(sys.argv[1], run_name="__main__")
finally:
    assert "_socket" in sys.modules, "set_wakeup_fd imports it from C, where no packager sees it"
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there it is launched as it is")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Let it start, and stop at the end of its stdin."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", AS_ON_WINDOWS, str(ROOT / "sidecar/main.py"), *words],
        env={"SIDECAR_EXIT_ON_EOF": "1"},
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_starts_and_stops_by_the_end_of_its_stdin() -> None:
    """With nothing that only POSIX, or a newer Python, has."""
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    said = [line.partition(" ")[0] for line in done.stdout.splitlines()]
    assert said == ["BOOT", "READY", "SHUTDOWN"]


def test_it_ends_with_a_code_when_nobody_reads() -> None:
    """And without a traceback, which nobody would read either."""
    done = run("closed")
    assert (done.returncode, done.stderr) == (1, "")
