"""Cases on other programs than the hello sidecar: what these offer, and what follows from it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.faults import ability, runner, supervised
from benchmarks.faults.case import all_cases
from benchmarks.faults.cases.life_and_death import start
from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.session import Session
from benchmarks.faults.targets import NOT_OF_HELLO, FaultTarget
from benchmarks.faults.verdict import Observation, Status
from spike.launch.ready import Ready

pytestmark = pytest.mark.slow

linux = pytest.mark.skipif(sys.platform != "linux", reason="the suite is for Linux")

LIVES = """\
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print({ready!r}, file=sys.{stream}, flush=True)
{then}
"""
WATCHES = "while os.read(0, 4096): pass"
WAITS = "time.sleep(60)"

ANSWERS = """\
import http.server, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def target() -> FaultTarget:
    return FaultTarget(id="x", hello=Program(artifact=Path("/bin/true"), folder=None), probe=None)


def _script(place: Path, text: str) -> Path:
    path = place / "program"
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return path


@linux
@pytest.mark.parametrize(
    ("stream", "said", "ready"),
    [
        ("stdout", "UP", Ready(line="UP")),
        ("stderr", "INFO: running on 1", Ready(pattern=r"running on \d", stream="stderr")),
    ],
)
def test_a_case_waits_for_its_own_line(
    tmp_path: Path, stream: str, said: str, ready: Ready
) -> None:
    """On its own stream."""
    text = LIVES.format(ready=said, stream=stream, then=WAITS)
    program = Program(artifact=_script(tmp_path, text), folder=None, ready=ready)
    with Session(program, Conditions(), tmp_path / "session") as session:
        assert session.until_ready()
        session.stop()
        observation = session.end()
    assert (observation.ready_count, observation.exit_code) == (1, 0)


@linux
def test_a_case_asks_its_address_with_the_port_that_it_hands_over(tmp_path: Path) -> None:
    """Waited for, and looked at in passing."""
    program = Program(
        artifact=_script(tmp_path, ANSWERS),
        folder=None,
        args=("{free_port}",),
        ready=Ready(url="http://127.0.0.1:{free_port}/"),
    )
    for number, wait in enumerate((Session.until_ready, _until_seen)):
        with Session(program, Conditions(), tmp_path / str(number)) as session:
            assert wait(session)
            session.stop()
            observation = session.end()
        assert (observation.ready_count, observation.exit_code) == (1, 0)


@linux
def test_what_a_program_does_not_offer_is_tried(tmp_path: Path) -> None:
    """Not guessed: one watches its stdin, one does not, and one cannot run twice."""
    watches = LIVES.format(ready="READY", stream="stdout", then=WATCHES)
    waits = LIVES.format(ready="READY", stream="stdout", then=WAITS)
    lock = tmp_path / "lock"
    only_one = (
        f"import fcntl\nlock = open({str(lock)!r}, 'w')\n"
        f"fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n{watches}"
    )
    lacks = {}
    for name, text in (("watches", watches), ("waits", waits), ("only one", only_one)):
        place = tmp_path / name
        place.mkdir()
        lacks[name] = ability.lacking(Program(artifact=_script(place, text), folder=None))
    assert lacks["watches"] == {}
    assert set(lacks["waits"]) == {Need.STDIN}
    assert set(lacks["only one"]) == {Need.BESIDE}
    assert lacks["only one"][Need.BESIDE].startswith("needs a program of which two can run")
    assert "BlockingIOError" in lacks["only one"][Need.BESIDE]


def test_a_case_that_needs_more_is_not_run_and_says_what() -> None:
    """Whatever of the program it is; it never counts as passed."""
    lacks = {**NOT_OF_HELLO, Need.STDIN: "needs a stdin"}
    lacking = replace(target(), lacks=lacks)
    for name, reason in (
        ("arguments_arrive", NOT_OF_HELLO[Need.PROTOCOL]),
        ("bit_flipped", NOT_OF_HELLO[Need.PROTOCOL]),
        ("stdin_end_of_file", "needs a stdin"),
        ("host_vanishes", "needs a stdin"),
    ):
        case_run = runner.run_one(name, lacking, seed=1)
        assert (case_run.status, case_run.reason) == (Status.NOT_RUN, reason)
    assert all(reason.startswith("needs ") for reason in NOT_OF_HELLO.values())


def test_a_program_that_cannot_run_twice_is_launched_alone() -> None:
    """Of two workers, one waits."""
    one = all_cases()["sigterm_at_rest"]
    assert not runner._alone(one, target())
    assert runner._alone(one, replace(target(), lacks={Need.BESIDE: "needs to be alone"}))


@pytest.mark.parametrize(
    ("protocol", "observation", "status", "label"),
    [
        (True, Observation(exit_code=0), Status.FAIL, "exited with 0 unready"),
        (False, Observation(exit_code=0), Status.PASS, "ended with 0"),
        (True, Observation(exit_code=0, shutdown="x"), Status.PASS, "stopped as asked"),
        (False, Observation(exit_signal="SIGTERM"), Status.PASS, "ended"),
        (
            False,
            Observation(exit_code=0, processes_left=("x",)),
            Status.FAIL,
            "left processes",
        ),
    ],
)
def test_an_early_end_is_judged_by_what_the_program_can_say(
    protocol: bool, observation: Observation, status: Status, label: str
) -> None:
    """From a SHUTDOWN line that nobody has to say, nothing follows."""
    found, result = start._judge_early_end(observation, protocol=protocol)
    assert (found, result.status) == (label, status)


@pytest.mark.parametrize(
    ("ready", "options"),
    [
        (Ready(line="UP"), ("--ready", "UP", "--ready-stream", "stdout")),
        (
            Ready(pattern="Serving", stream="stderr"),
            ("--ready-pattern", "Serving", "--ready-stream", "stderr"),
        ),
        (Ready(url="http://localhost/up"), ("--ready-url", "http://localhost:80/up")),
    ],
)
def test_the_supervisor_is_told_when_it_is_ready(ready: Ready, options: tuple[str, ...]) -> None:
    """And says so in a line of its own, which the case waits for."""
    limit = ("--ready-timeout-ms", "2500")
    program = Program(
        artifact=Path("/x"), folder=None, ready=ready, ready_timeout_s=2.5, protocol=False
    )
    behind = supervised.behind_supervisor(program)
    assert behind.before[1:] == (*options, *limit, "--tell-ready")
    assert behind.ready.heard("stderr", "supervise: the sidecar is ready")
    assert not behind.ready.heard("stderr", "sidecar stderr: the sidecar is ready")
    hello = Program(artifact=Path("/x"), folder=None)
    assert supervised.behind_supervisor(hello).before[1:] == ()
    assert supervised.behind_supervisor(hello).ready == Ready()


def _until_seen(session: Session) -> bool:
    """READY in passing: as a case looks for it that waits for something else."""
    for _ in range(1000):
        if session.running.look_ready():
            return True
        session.read(0.01)
    return False
