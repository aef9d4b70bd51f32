"""Tools with a log: what an interruption leaves behind, which is nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TOOL = """
import signal, subprocess, sys, time
def leave(*_):
    child.kill(); child.wait(); sys.exit(1)
signal.signal(signal.SIGTERM, leave)
child = subprocess.Popen(["sleep", "1111"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(1111)
"""
CALLER = """
import sys
from pathlib import Path
from spike.core import process
process.run_logged([sys.executable, "-c", sys.argv[1]], log_path=Path(sys.argv[2]))
"""


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interruption_reaches_what_a_tool_has_started(tmp_path: Path) -> None:
    """A build's packager leads a group of its own; Ctrl-C must not leave its compiler running."""
    command = [sys.executable, "-c", CALLER, TOOL, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        child = next(int(line) for line in caller.stdout if line.strip().isdecimal())
        assert lives(child)
        caller.send_signal(signal.SIGINT)
        caller.wait(20)
    patience = time.monotonic() + 10
    while lives(child) and time.monotonic() < patience:
        time.sleep(0.02)
    assert not lives(child)
