"""A lock on a file: one holder at a time, and gone with the holder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spike.core import filelock
from spike.core.workspace import TOOL as ROOT

HOLD = """
import os, sys
from spike.core import filelock
filelock.lock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT))
print("held", flush=True)
sys.stdin.read()
"""


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_a_second_holder_is_refused_until_the_first_has_closed_it(tmp_path: Path) -> None:
    """An empty file can be locked, too."""
    first, second = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    try:
        filelock.lock(first)
        with pytest.raises(BlockingIOError):
            filelock.lock(second)
    finally:
        os.close(first)
    filelock.lock(second)
    os.close(second)


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path) -> None:
    """Nobody has to tidy up after a crash."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        mine = opened(path)
        with pytest.raises(BlockingIOError):
            filelock.lock(mine)
        holder.kill()
        holder.wait()
        filelock.lock(mine)
        os.close(mine)


def test_who_waits_gets_it_next(tmp_path: Path) -> None:
    """And not before."""
    first, second = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    got = threading.Event()

    def wait() -> None:
        filelock.wait_for_lock(second)
        got.set()

    filelock.lock(first)
    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    assert not got.wait(0.1)
    os.close(first)
    assert got.wait(5)
    waiter.join()
    os.close(second)
