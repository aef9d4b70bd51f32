"""A tool that is asked quietly, and what it leaves running."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from spike.core import process

LEAVES = """
import subprocess, sys, time
print("done", flush=True)
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(60)
"""


def test_a_capture_does_not_wait_for_what_holds_its_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PIPE_GRACE_S", 0.5)
    command = [sys.executable, "-c", LEAVES, str(tmp_path / "pid")]
    done = process.capture(command, timeout_s=1)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.timed_out
    assert done.output == "done\n"
