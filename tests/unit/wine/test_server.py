"""The server of a Wine, seen to be there and to die; a stand-in of its name is enough."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spike.core.errors import SpikeError
from spike.wine.server import Watch, end_all, processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no Wine")


@pytest.fixture
def prefix(tmp_path: Path) -> Iterator[Path]:
    """A prefix without Wine; what runs in it is ended."""
    yield tmp_path
    end_all(tmp_path)


def started(prefix: Path, name: str) -> subprocess.Popen[bytes]:
    """A program of a name that waits in a prefix."""
    program = prefix / name
    program.symlink_to("/bin/sleep")
    return subprocess.Popen([program, "60"], env={**os.environ, "WINEPREFIX": str(prefix)})


def test_what_waits_for_a_server_that_dies_is_ended(prefix: Path) -> None:
    """At once, and nothing of another prefix."""
    server, waits = started(prefix, "wineserver"), started(prefix, "program.exe")
    watch = Watch(prefix)
    assert watch.pid == server.pid
    assert {each.pid for each in processes(prefix)} == {server.pid, waits.pid}
    server.kill()
    assert waits.wait(10) == -9
    server.wait()
    assert watch.crashed
    watch.end()


def test_a_server_that_ends_when_it_should_takes_nothing_with_it(prefix: Path) -> None:
    """Who stops Wine says so first."""
    server, stays = started(prefix, "wineserver"), started(prefix, "program.exe")
    watch = Watch(prefix)
    watch.end()
    server.kill()
    server.wait()
    time.sleep(0.5)
    assert stays.poll() is None
    end_all(prefix)
    assert stays.wait(10) == -9


def test_a_server_that_is_not_there_is_said(prefix: Path) -> None:
    """In words, with what to try."""
    with pytest.raises(SpikeError, match="is not there"):
        Watch(prefix)
