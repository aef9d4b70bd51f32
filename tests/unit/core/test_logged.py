"""Tools with a log: what an interruption leaves behind, which is nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spike.core import logged, process
from spike.core.errors import StorageError

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
from spike.core import logged
logged.run([sys.executable, "-c", sys.argv[1]], log_path=Path(sys.argv[2]))
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


LEAVES = """
import subprocess, sys
print("done", flush=True)
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
open(sys.argv[1], "w").write(str(child.pid))
"""
HANGS = "import time; print('begun', flush=True); time.sleep(60)"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here has to wait for long."""
    monkeypatch.setattr(process, "PIPE_GRACE_S", 0.5)


@pytest.mark.usefixtures("impatient")
def test_a_tool_is_over_when_it_has_ended(tmp_path: Path) -> None:
    """Also when something that it left running holds its output open."""
    started = time.monotonic()
    command = [sys.executable, "-c", LEAVES, str(tmp_path / "pid")]
    done = logged.run(command, log_path=tmp_path / "log", echo=False)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.ok
    assert done.output == "done\n"
    assert time.monotonic() - started < 30


def test_a_tool_whose_time_is_up_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HANGS]
    done = logged.run(command, log_path=tmp_path / "log", echo=False, timeout_s=1)
    assert done.timed_out
    assert not done.ok
    assert done.output == "begun\n"
    assert (tmp_path / "log").read_text().endswith("begun\n")


def test_what_a_tool_says_last_is_kept(tmp_path: Path) -> None:
    """Ten thousand lines and an end without a newline, though it is gone when they are read."""
    command = [sys.executable, "-c", "print('x\\n' * 10_000, end='the end')"]
    done = logged.run(command, log_path=tmp_path / "log", echo=False)
    assert done.output.endswith("x\nthe end")
    assert (tmp_path / "log").read_text().count("x\n") == 10_000


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")


@full
def test_a_log_that_becomes_full_with_its_last_line_is_said(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"could not be kept in .*No space left"):
        logged.run(["echo", "a line"], log_path=tmp_path / "log", echo=False)


@full
def test_a_log_that_is_full_is_said_and_the_tool_ended(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    command = [
        sys.executable,
        "-c",
        "import time; print('x' * 100_000, flush=True); time.sleep(60)",
    ]
    started = time.monotonic()
    with pytest.raises(StorageError, match=r"could not be kept in .*No space left"):
        logged.run(command, log_path=tmp_path / "log", echo=False)
    assert time.monotonic() - started < 30
