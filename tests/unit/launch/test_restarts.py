"""A program that starts itself again is told from one whose children are what they should be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.launch import judgement, leftovers, restarts
from spike.launch.spec import (
    SETTLE_LEAST_S,
    SETTLE_MOST_S,
    Failure,
    Launch,
    LaunchSpec,
    settle_s,
)

pytestmark = pytest.mark.slow

POOL = [["--multiprocessing-fork", "tracker_fd=5", "pipe_handle=7"]]
TRACKER = [["-B", "-c", "from multiprocessing.resource_tracker import main;main(6)"]]


@pytest.mark.parametrize(
    ("commands", "output", "certain", "expected"),
    [
        (POOL, [], True, restarts.FREEZE_SUPPORT),
        (POOL, [], False, ""),
        (TRACKER, [], False, ""),
        ([], ["is not going to be frozen: freeze_support()"], False, restarts.FREEZE_SUPPORT),
        (POOL, ["INFO: Started reloader process [7] using StatReload"], True, restarts.RELOAD),
        (POOL, ["INFO: Started parent process [7]"], True, restarts.WORKERS),
        ([], ["READY"], False, ""),
        ([["serve", "--port", "0"]], [], False, ""),
    ],
    ids=["fork", "pool", "tracker", "words", "reload", "workers", "nothing", "own helper"],
)
def test_the_remedy_follows_from_what_was_started(
    commands: list[list[str]], output: list[str], certain: bool, expected: str
) -> None:
    """Children of multiprocessing are right unless the program is known to start again."""
    assert restarts.reason(commands, output, certain=certain) == expected


def test_sys_executable_is_shown_with_what_was_asked_of_it() -> None:
    """``sys.executable -m json.tool`` is the program itself."""
    said = restarts.reason([["-m", "json.tool", "--help"]], [], certain=False)
    assert "-m json.tool --help" in said
    assert "sys.executable" in said


def test_how_long_a_launch_is_watched() -> None:
    """Half as long again as the start took, within bounds."""
    assert settle_s(10) == SETTLE_LEAST_S
    assert settle_s(1000) == 1.5
    assert settle_s(60_000) == SETTLE_MOST_S


GOOD = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("BOOT sidecar=t version=1", flush=True)
{middle}
print("READY", flush=True)
signal.pause()
"""


def program(tmp_path: Path, middle: str) -> Launch:
    """Judge a program that is a file of its own, as a packaged one is."""
    leftovers.adopt_orphans()
    path = tmp_path / "program"
    path.write_text(f"#!{sys.executable} -IS\n" + GOOD.format(middle=middle), encoding="utf-8")
    path.chmod(0o755)
    return judgement.judge(LaunchSpec(argv=(str(path),), ready_timeout_s=2.0, stop_timeout_s=2.0))


def test_a_good_program_is_good(tmp_path: Path) -> None:
    """BOOT and READY once each."""
    done = program(tmp_path, "")
    assert done.ok, done
    assert done.boots == 1


def test_boot_twice_is_no_failure_by_itself(tmp_path: Path) -> None:
    """A child of multiprocessing imports the main script, which says BOOT where it is imported."""
    done = program(tmp_path, 'print("BOOT sidecar=t version=1", flush=True)')
    assert done.ok, done
    assert done.boots == 2


AGAIN = """
depth = int(os.environ.get("DEPTH", "0"))
if depth < 2:
    os.environ["DEPTH"] = str(depth + 1)
    subprocess.Popen([__file__, "--multiprocessing-fork", f"pipe_handle={depth}"])
if depth:
    signal.pause()
"""


def test_a_program_whose_child_starts_one_more_starts_itself_again(tmp_path: Path) -> None:
    """READY came once, and each child of multiprocessing runs the program from its beginning."""
    done = program(tmp_path, AGAIN)
    assert done.failure is Failure.STARTED_AGAIN
    assert restarts.FREEZE_SUPPORT in done.detail
    assert len(done.processes_left) == 2


def test_a_line_that_begins_with_boot_and_says_something_else_is_no_second_start(
    tmp_path: Path,
) -> None:
    """A program may say more of its start."""
    assert program(tmp_path, 'print("BOOT phase=2", flush=True)').ok


def test_a_second_ready_comes_a_moment_later(tmp_path: Path) -> None:
    """From a child that takes as long to start as the program itself."""
    again = "subprocess.Popen(['sh', '-c', 'sleep 0.1; echo READY'])"
    assert program(tmp_path, again).failure is Failure.DUPLICATE_READY
