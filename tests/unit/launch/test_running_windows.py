"""The launcher for Windows: its threads, with real programs, on whatever system this is.

Where there are no job objects, the program is started as elsewhere; everything behind the start is
what runs on Windows. Job objects, leftovers and real builds there: ``nox -s windows``.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from spike.launch import stopping
from spike.launch.running import Running
from spike.launch.running_windows import END_OF_STDIN, MOST_CHUNKS
from spike.launch.spec import Failure, LaunchSpec
from tests.support.windows_launcher import Threads

WATCHES = """
import sys
print("BOOT x=1", flush=True)
print("READY", flush=True)
sys.stdin.read()
print("SHUTDOWN reason=normal", flush=True)
"""


def spec(code: str, **settings: object) -> LaunchSpec:
    argv = (sys.executable, "-I", "-S", "-c", textwrap.dedent(code))
    return LaunchSpec(argv=argv, **settings)  # type: ignore[arg-type]


def test_a_life_from_the_start_to_the_end_of_stdin() -> None:
    """READY is heard when it comes, and all lines until the exit are there."""
    with Threads(spec(WATCHES)) as running:
        assert running.wait_ready()
        assert stopping.stop(running)
        result = running.result()
    assert result.failure is None
    assert result.boot_ms is not None
    assert result.ready_ms is not None
    assert 0 < result.boot_ms <= result.ready_ms
    assert result.stop_ms is not None
    assert result.stdout_tail == ("BOOT x=1", "READY", "SHUTDOWN reason=normal")
    assert result.exit_code == 0


def test_who_does_not_watch_stdin_is_ended_and_it_is_said() -> None:
    """The end of stdin is what was tried, so it is what the message names."""
    code = "import time\nprint('READY', flush=True)\ntime.sleep(60)"
    with Threads(spec(code, stop_timeout_s=0.3)) as running:
        assert running.wait_ready()
        assert not stopping.stop(running)
    assert running.failure is Failure.UNCLEAN_STOP
    assert running.detail == f"still running 0.3 s after {END_OF_STDIN}"
    assert running.exited


def test_what_it_says_last_is_there_when_it_has_exited() -> None:
    """A traceback on stderr comes together with the exit."""
    code = "import sys\nsys.stderr.write('x' * 70_000 + chr(10) + 'the last word')\nsys.exit(3)"
    for _ in range(5):
        with Threads(spec(code)) as running:
            assert not running.wait_ready()
            result = running.result()
        assert result.failure is Failure.EXITED_BEFORE_READY
        assert result.exit_code == 3
        assert result.detail == "exited with 3 before READY"
        assert result.stderr_tail[-1] == "the last word"


def test_a_flood_that_nobody_reads_costs_no_memory_and_holds_nobody_up() -> None:
    """The queue is bounded, so the pipe fills and the program waits; the end of it is at once."""
    code = "import sys\nprint('READY', flush=True)\nwhile True: sys.stdout.write('x' * 65536)"
    with Threads(spec(code)) as running:
        assert running.wait_ready()
        deadline = running.now_ms() + 5000
        while not running._chunks.full() and running.now_ms() < deadline:
            pass
        assert running._chunks.qsize() == MOST_CHUNKS
        running.kill()
        assert running.wait_exit(5)


def test_a_wait_has_a_bound() -> None:
    """And says that the time was up."""
    with Threads(spec("import time\ntime.sleep(60)", ready_timeout_s=0.2)) as running:
        assert not running.wait_ready()
        assert running.failure is Failure.READY_TIMEOUT
        assert not running.wait_exit(0.05)


def test_a_program_that_is_not_there_is_a_failed_launch() -> None:
    """As on every system."""
    with Threads(LaunchSpec(argv=(str(Path("no", "such", "program").absolute()),))) as running:
        assert running.failure is Failure.NOT_FOUND
        assert running.exited


@pytest.mark.skipif(sys.platform == "win32", reason="it is about the others")
def test_elsewhere_the_launcher_is_the_posix_one() -> None:
    """Its way to READY is what is measured."""
    assert type(Running(spec(WATCHES))) is Running
