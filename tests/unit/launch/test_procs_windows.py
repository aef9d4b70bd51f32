"""Processes of Windows: who belongs to a launch, by its job and by its mark, and how they end.

Real programs and real job objects, so on Windows alone; ``nox -s windows`` runs it under Wine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spike.core import process, windows
from spike.launch import launcher, leftovers, places, procs_windows
from spike.launch.running import Running
from spike.launch.running_windows import RunningOnWindows
from spike.launch.spec import MARK, Failure, LaunchSpec

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="there are no job objects here")

CHILD = "import time; time.sleep(120)"
HAS_CHILD = f"""
import os, subprocess, sys
env = dict(os.environ)
if "unmarked" in sys.argv:
    env.pop("{MARK}")
null = subprocess.DEVNULL
child = subprocess.Popen(
    [sys.executable, "-I", "-S", "-c", {CHILD!r}], env=env, stdin=null, stdout=null, stderr=null
)
print(f"child={{child.pid}}", flush=True)
print("READY", flush=True)
sys.stdin.read()
if "ends-it" in sys.argv:
    child.kill()
    child.wait()
"""


def spec(*words: str) -> LaunchSpec:
    return LaunchSpec(argv=(sys.executable, "-I", "-S", "-c", HAS_CHILD, *words))


def gone(pid: int, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while windows.lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not windows.lives(pid)


def test_the_launcher_is_the_one_for_windows() -> None:
    """Behind the same name."""
    assert type(Running(spec())) is RunningOnWindows


@pytest.mark.parametrize("word", ["marked", "unmarked"])
def test_a_child_that_stays_is_a_leftover_whether_it_carries_the_mark_or_not(word: str) -> None:
    """The job knows it; it is named, and ended."""
    done = launcher.launch(spec(word), inspect=leftovers.inspect)
    assert done.failure is Failure.LEFT_PROCESSES
    assert len(done.processes_left) == 1
    assert "time.sleep(120)" in done.processes_left[0]
    child = int(done.stdout_tail[0].partition("=")[2])
    assert gone(child)


def test_a_program_that_tidies_up_leaves_nothing() -> None:
    """Stopped by the end of its stdin, with 0."""
    done = launcher.launch(spec("ends-it"), inspect=leftovers.inspect)
    assert done.ok, done.detail
    assert done.exit_code == 0
    assert done.processes_left == ()


def test_the_processes_of_a_launch_tell_what_they_are() -> None:
    """Id, parent, command line, program, environment: all that a judgement asks for."""
    with Running(spec("marked")) as running:
        assert running.wait_ready()
        found = {each.pid: each for each in leftovers.survivors(running.mark)}
        assert running.pid in found
        (child,) = [each for each in found.values() if each.pid != running.pid]
        assert child.ppid() == running.pid
        assert child.cmdline()[-1] == CHILD
        assert Path(child.exe()).name.lower() == Path(sys.executable).name.lower()
        assert child.environ()[MARK] == running.mark
        assert child.environ()["TEMP"] == child.environ()["TMP"] == str(running.tmp)


def test_the_first_process_killed_leaves_its_child_which_the_job_still_knows() -> None:
    """As a host that ends the process that it holds."""
    with Running(spec("unmarked")) as running:
        assert running.wait_ready()
        running.send(process.KILL)
        assert running.wait_exit(5)
        assert running.exit_code == windows.KILLED
        left = leftovers.survivors(running.mark)
        assert [each.cmdline()[-1] for each in left] == [CHILD]
        leftovers.end(left)
        assert leftovers.survivors(running.mark) == []


def test_closing_the_job_ends_everything_in_it() -> None:
    """What the system does for a host that dies."""
    with Running(spec("unmarked")) as running:
        assert running.wait_ready()
        child = int(running.fields()["child"])
        assert windows.lives(child)
        job = procs_windows._jobs[running.mark]
        job.close()
        assert gone(child)
        assert running.wait_exit(5)


def test_a_stop_that_is_not_obeyed_ends_the_whole_job() -> None:
    """The program and what it has started."""
    with Running(spec("unmarked")) as running:
        assert running.wait_ready()
        child = int(running.fields()["child"])
        running.kill()
        assert running.wait_exit(5)
        assert gone(child)


def test_a_file_that_is_no_program_is_a_failed_launch(tmp_path: Path) -> None:
    """The system's own number for it is told apart from a missing file."""
    broken = tmp_path / "broken.exe"
    broken.write_bytes(b"MZ, and nothing of a program")
    with Running(LaunchSpec(argv=(str(broken),))) as running:
        assert running.failure in (Failure.NOT_EXECUTABLE, Failure.SPAWN_FAILED)


def test_twenty_lives_one_after_another_leave_nothing() -> None:
    """No handle, no process, no file."""
    for _ in range(20):
        done = launcher.launch(spec("ends-it"), inspect=leftovers.inspect)
        assert done.ok, done.detail


def test_the_reader_of_stdout_can_go_away() -> None:
    """While its thread waits in a read: the program notices at its next line."""
    code = (
        "import sys, time\n"
        "print('READY', flush=True)\n"
        "try:\n"
        "    while True:\n"
        "        time.sleep(0.05)\n"
        "        print('line', flush=True)\n"
        "except OSError:\n"
        "    sys.exit(7)\n"
    )
    with Running(LaunchSpec(argv=(sys.executable, "-I", "-S", "-c", code))) as running:
        assert running.wait_ready()
        running.close_output("stdout")
        assert running.wait_exit(5)
        assert running.exit_code in (7, 120)  # 120: it could not flush at its end


def test_a_tool_that_takes_too_long_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    """A job stands for the process group, for tools as well."""
    note = tmp_path / "child"
    code = (
        "import subprocess, sys, time\n"
        "null = subprocess.DEVNULL\n"
        f"child = subprocess.Popen([sys.executable, '-I', '-S', '-c', {CHILD!r}],"
        " stdin=null, stdout=null, stderr=null)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(120)\n"
    )
    done = process.capture([sys.executable, "-I", "-S", "-c", code], timeout_s=5.0)
    assert done.timed_out
    assert gone(int(note.read_text()))


def test_a_place_of_a_dead_run_is_known_by_its_process_id() -> None:
    """Asking does not end a living one, as os.kill(pid, 0) would."""
    null = subprocess.DEVNULL
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CHILD], stdin=null, stdout=null, stderr=null
    ) as other:
        assert places._lives(other.pid)
        assert other.poll() is None
        other.kill()
        other.wait()
    assert places._lives(os.getpid())
    assert not places._lives(2**31 - 4)


def test_the_words_of_a_command_line_are_those_that_were_given() -> None:
    """Spaces, quotes, backslashes and letters that are not ASCII."""
    words = ["C:\\Program Files\\a b", 'say "hello"', "größer\\", ""]
    line = subprocess.list2cmdline(["program", *words])
    assert windows.words(line) == ["program", *words]
