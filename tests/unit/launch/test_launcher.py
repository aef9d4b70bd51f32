"""The launcher against small scripts: every kind of failure is told apart, with bounds."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from spike.core import process
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec
from spike.launch.streams import MAX_LINE_BYTES, TAIL_BYTES

pytestmark = pytest.mark.slow

GOOD = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("BOOT sidecar=t version=1", flush=True)
print("READY", flush=True)
signal.pause()
"""


def run(script: str, **changes: object) -> Launch:
    """Launch a script with the real interpreter and look for leftovers."""
    settings: dict[str, object] = {"ready_timeout_s": 5.0, "stop_timeout_s": 1.0, **changes}
    argv = (sys.executable, "-I", "-S", "-c", script)
    return launch(LaunchSpec(argv=argv, **settings), inspect=leftovers.inspect)  # type: ignore[arg-type]


def test_a_good_life_has_times_and_leaves_nothing() -> None:
    """BOOT before READY before the stop; exit 0; nothing left."""
    done = run(GOOD)
    assert done.ok, done
    assert done.boot_ms is not None
    assert done.ready_ms is not None
    assert 0 < done.boot_ms <= done.ready_ms
    assert done.stop_ms is not None
    assert done.exit_code == 0
    assert (done.processes_left, done.files_left) == ((), ())


def test_a_program_that_is_not_there_or_not_executable(tmp_path: Path) -> None:
    """Two different failures, because they have two different remedies."""
    assert launch(LaunchSpec(argv=(str(tmp_path / "gone"),))).failure is Failure.NOT_FOUND
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/true\n")
    assert launch(LaunchSpec(argv=(str(plain),))).failure is Failure.NOT_EXECUTABLE
    plain.chmod(0o755)
    plain.write_bytes(b"\x7fELF broken")
    assert launch(LaunchSpec(argv=(str(plain),))).failure is Failure.SPAWN_FAILED


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ("import sys; sys.stderr.write('no port'); sys.exit(3)", Failure.EXITED_BEFORE_READY),
        ("print('all is well')", Failure.EXITED_BEFORE_READY),
        ("import os; os.kill(os.getpid(), 11)", Failure.EXITED_BEFORE_READY),
        ("import sys; sys.stdout.write('READY')", Failure.EXITED_BEFORE_READY),
        (GOOD + "\nsys.exit(5)", Failure.UNCLEAN_STOP),
        ("print('READY', flush=True); import sys; sys.exit(0)", Failure.DIED_AFTER_READY),
        ("print('READY\\nREADY', flush=True); import time; time.sleep(9)", Failure.DUPLICATE_READY),
        (
            "print('READY\\r\\nREADY\\r', flush=True); import time; time.sleep(9)",
            Failure.DUPLICATE_READY,
        ),
    ],
)
def test_failures_are_told_apart(script: str, failure: Failure) -> None:
    """Each way of going wrong has its own kind."""
    script = (
        script.replace("sys.exit(0))", "sys.exit(5))")
        if failure is Failure.UNCLEAN_STOP
        else script
    )
    assert run(script, settle_s=0.3).failure is failure


@pytest.mark.measuring
@pytest.mark.parametrize("line", ["READY!", " READY", "NOT READY", "READY ", "ready"])
def test_ready_is_a_whole_line(line: str) -> None:
    """A line that merely contains READY is not READY, and the timeout is kept."""
    started = time.monotonic()
    done = run(f"print({line!r}, flush=True); import time; time.sleep(9)", ready_timeout_s=0.4)
    assert done.failure is Failure.READY_TIMEOUT
    assert time.monotonic() - started < 4
    assert done.stdout_tail == (line,)


def test_ready_on_stderr_does_not_count() -> None:
    """READY is a line on stdout."""
    done = run(
        "import sys, time; sys.stderr.write('READY\\n'); sys.stderr.flush(); time.sleep(9)",
        ready_timeout_s=0.4,
    )
    assert done.failure is Failure.READY_TIMEOUT
    assert done.stderr_tail == ("READY",)


def test_ready_split_across_reads_is_found() -> None:
    """A pipe delivers bytes, not lines."""
    script = GOOD.replace(
        'print("READY", flush=True)',
        "import os, time\nfor c in b'READY\\n': os.write(1, bytes([c])); time.sleep(0.01)",
    )
    assert run(script).ok


@pytest.mark.measuring
def test_a_program_that_ignores_the_stop_is_killed_in_time() -> None:
    """The stop has a bound; after it the program has failed and is gone."""
    script = GOOD.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    started = time.monotonic()
    done = run(script, stop_timeout_s=0.3)
    assert done.failure is Failure.UNCLEAN_STOP
    assert time.monotonic() - started < 4


@pytest.mark.measuring
def test_a_grandchild_that_holds_the_pipes_is_found_and_ended() -> None:
    """No wait depends on a pipe's end; the mark finds survivors in any session."""
    script = GOOD.replace(
        'print("READY", flush=True)',
        "import os, time\nif not os.fork():\n os.setsid(); time.sleep(60)\n"
        "print('READY', flush=True)",
    )
    started = time.monotonic()
    done = run(script)
    assert done.failure is Failure.LEFT_PROCESSES
    assert len(done.processes_left) == 1
    assert time.monotonic() - started < 8


def test_a_program_that_goes_into_the_background_is_seen() -> None:
    """It said READY to nobody: what was started had ended before; no time is taken of that."""
    background = "import os, time\nif os.fork(): os._exit(0)\ntime.sleep(0.3)\n"
    launch = run(f"{background}print('READY', flush=True)\ntime.sleep(60)")
    assert launch.failure is Failure.EXITED_BEFORE_READY
    assert (launch.exit_code, launch.ready_ms, launch.same_program) == (0, None, 1)
    assert run("").same_program == 0


def test_files_left_in_the_temporary_folder_are_found_and_removed() -> None:
    """Each launch has a TMPDIR of its own; what is left there was left by the launch."""
    script = GOOD.replace(
        'print("READY", flush=True)',
        "import os\nopen(os.environ['TMPDIR'] + '/left', 'w').write('12345')\n"
        "print('READY', flush=True)",
    )
    done = run(script)
    assert done.failure is Failure.LEFT_FILES
    assert (done.files_left, done.bytes_left) == (("left",), 5)
    assert done.detail == "1 left in the temporary folder: left"


def test_a_flood_of_output_costs_no_memory() -> None:
    """Lines and tails are bounded, whatever the program writes, and READY behind it is seen."""
    script = GOOD.replace(
        'print("READY", flush=True)',
        "import os\nfor _ in range(300): os.write(1, b'x' * 100_000)\n"
        "print('\\nREADY', flush=True)",
    )
    done = run(script)
    assert done.ok, done.detail
    kept = sum(map(len, done.stdout_tail))
    assert kept <= TAIL_BYTES
    assert max(map(len, done.stdout_tail)) <= MAX_LINE_BYTES + len(" [cut]")


def test_a_failed_smoke_command_fails_the_launch() -> None:
    """READY is a claim; the smoke command checks it, with fields from the program's own lines."""
    script = GOOD.replace("version=1", "version=1 port=77")
    good = (sys.executable, "-c", "import sys; sys.exit(sys.argv[1] != '77')", "{port}")
    assert run(script, smoke=good).ok
    bad = (sys.executable, "-c", "import sys; sys.exit('refused')")
    failed = run(script, smoke=bad)
    assert failed.failure is Failure.SMOKE_FAILED
    assert "refused" in failed.detail
    unknown = run(script, smoke=("true", "{gone}"))
    assert unknown.failure is Failure.SMOKE_FAILED


def test_nothing_outlives_an_interrupted_launch() -> None:
    """Ctrl-C in the middle of a launch kills what was started."""
    argv = (sys.executable, "-I", "-S", "-c", GOOD)
    running = Running(LaunchSpec(argv=argv))

    def interrupted() -> None:
        with running:
            assert running.wait_ready()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    pid = running.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_signals_reach_the_started_process() -> None:
    """A fault case can send any signal to the process that a host would hold."""
    argv = (sys.executable, "-I", "-S", "-c", GOOD)
    with Running(LaunchSpec(argv=argv)) as running:
        assert running.wait_ready()
        running.send(signal.SIGKILL)
        assert running.wait_exit(5)
        assert running.exit_signal == "SIGKILL"


def test_a_launch_that_is_forgotten_takes_its_temporary_folder_with_it() -> None:
    """Who drives a launch step by step need not clean up after it."""
    with Running(LaunchSpec(argv=(sys.executable, "-I", "-S", "-c", GOOD))) as running:
        assert running.wait_ready()
        folder = running.tmp
    assert folder is not None
    assert folder.exists()
    del running
    gc.collect()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_in_the_middle_of_an_execve_is_no_less_a_survivor(tmp_path: Path) -> None:
    """Its environment reads as empty for a moment, and it must not be taken for gone then."""
    script = tmp_path / "again"
    script.write_text('#!/bin/sh\nexec "$0"\n')
    script.chmod(0o755)
    with Running(LaunchSpec(argv=(str(script),))) as running:
        looks = [[found.pid for found in leftovers.survivors(running.mark)] for _ in range(300)]
        assert not running.exited, f"the program itself ended: {running.result()}"
    assert looks == [[running.pid]] * 300


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_mark_is_not_looked_for_in_a_program_without_environment() -> None:
    """An empty environment is an answer, not a reason to ask for ever."""
    with Running(LaunchSpec(argv=("/usr/bin/env", "-i", "/bin/sleep", "9"))) as running:
        running.watch(0.1)
        (found,) = [one for one in leftovers.living() if one[0].pid == running.pid]
    assert found[1] == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_descriptor_of_ours_reaches_a_program() -> None:
    """Standard streams only, although Popen does not close the others in the child."""
    code = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int), flush=True)"
    with (
        Path(os.devnull).open() as ours,
        Running(LaunchSpec(argv=(sys.executable, "-I", "-S", "-c", code))) as running,
    ):
        running.wait_exit(5.0)
        assert ours.fileno() > 2
    assert running.result().stdout_tail == ("['0', '1', '2', '3']",), "3 is the listing itself"


def test_a_program_gets_its_streams_where_this_process_has_none() -> None:
    """Pipes that would lie where the standard streams are missing do not swallow one another."""
    script = (
        "import os, sys; os.close(0); os.close(1); os.close(2); sys.path.insert(0, os.getcwd())\n"
        "from spike.launch.launcher import launch\nfrom spike.launch.spec import LaunchSpec\n"
        "inner = 'import signal, sys; sys.stderr.write(chr(69)); sys.stderr.flush();'\n"
        "inner += 'print(chr(82) + \"EADY\", flush=True); sys.stdin.read(1); signal.pause()'\n"
        "done = launch(LaunchSpec(argv=(sys.executable, '-I', '-S', '-c', inner),"
        " ready_timeout_s=5))\n"
        "os._exit(0 if done.ready_ms and done.stderr_tail == ('E',) else 7)"
    )
    done = process.capture([sys.executable, "-c", script])
    assert done.exit_code == 0, done


def test_a_program_can_be_told_that_nobody_listens() -> None:
    """SIGPIPE, which Python ignores, has its default again in what is launched."""
    argv = ("/bin/sh", "-c", "grep SigIgn /proc/self/status; echo READY; exec sleep 9")
    shell = launch(LaunchSpec(argv=argv, stop_timeout_s=1.0))
    ignored = next(line for line in shell.stdout_tail if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_an_interrupt_while_a_launch_is_prepared_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C comes at any moment: what was started just now is ended all the same."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    running = Running(LaunchSpec(argv=("/bin/sleep", "60")))
    monkeypatch.setattr(os, "set_blocking", interrupted)
    with pytest.raises(KeyboardInterrupt), running:
        pass
    assert running.exit_signal == "SIGKILL"
    assert leftovers.survivors(running.mark) == []
