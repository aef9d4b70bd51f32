"""The sidecar's processes as they are seen while the host runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from spike.host.sights import Sight, Watching
from spike.launch.spec import LAUNCH_ID, MARK

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the host is checked on Linux")


def started(*words: str, **env: str) -> subprocess.Popen[bytes]:
    """A process of some seconds, with these variables."""
    code = "import time; time.sleep(30)"
    return subprocess.Popen([sys.executable, "-c", code, *words], env={**os.environ, **env})


def test_a_process_is_seen_once_with_what_it_was_given() -> None:
    """Not the host, which has the mark of the run alone, and not that of another run."""
    processes = [
        started("--port", "1", **{MARK: "mine", LAUNCH_ID: "1-1", "WORDS": "good day"}),
        started("host", **{MARK: "mine"}),
        started("other", **{MARK: "another", LAUNCH_ID: "1-1"}),
    ]
    watching = Watching("mine")
    watching.start()
    try:
        deadline = time.monotonic() + 10
        while not watching.sights and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
    finally:
        watching.stop()
        for process in processes:
            process.kill()
            process.wait()
    (seen,) = watching.sights
    assert isinstance(seen, Sight)
    assert seen.pid == processes[0].pid
    assert seen.args[-2:] == ("--port", "1")
    assert seen.env["WORDS"] == "good day"


def test_what_was_not_begun_can_be_ended() -> None:
    """As where nobody asked to look."""
    watching = Watching("x")
    watching.stop()
    assert watching.sights == []
