"""A launched program is heard in every form of "ready", and is handed a free port."""

from __future__ import annotations

import os
import socket
import sys
import textwrap
import time
from pathlib import Path

import pytest

from spike.launch import ready
from spike.launch.launcher import launch
from spike.launch.ready import Ready
from spike.launch.running import Running
from spike.launch.spec import Failure, Launch, LaunchSpec

pytestmark = pytest.mark.slow

STOP = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
SERVE = """
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()
    def log_message(self, *_):
        pass
port = int(sys.argv[1] if sys.argv[1:] else os.environ["PORT"])
time.sleep(0.2)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


def launched(folder: Path, program: str, *arguments: str, **settings: object) -> Launch:
    script = folder / "program.py"
    script.write_text("import os\n" + STOP + textwrap.dedent(program), encoding="utf-8")
    buffered = {key: text for key, text in os.environ.items() if key != "PYTHONUNBUFFERED"}
    spec = LaunchSpec(
        argv=(sys.executable, str(script), *arguments),
        **{"ready_timeout_s": 10.0, "base_env": buffered, **settings},  # type: ignore[arg-type]
    )
    return launch(spec)


@pytest.mark.parametrize(
    ("say", "wanted"),
    [
        ("print('READY', file=sys.stderr, flush=True)", Ready(stream="stderr")),
        ("print('READY', flush=True)", Ready(stream="either")),
        ("print('INFO: up on port 80', flush=True)", Ready(pattern=r"port \d+")),
        (
            "print('INFO: up', file=sys.stderr, flush=True)",
            Ready(pattern="up", stream="either"),
        ),
    ],
)
def test_a_line_is_heard_where_it_comes(tmp_path: Path, say: str, wanted: Ready) -> None:
    """On either stream, as a whole or by a pattern."""
    done = launched(tmp_path, f"{say}\ntime.sleep(30)\n", ready=wanted)
    assert done.failure is None, done.detail
    assert done.ready_ms is not None


def test_an_address_that_answers_is_ready(tmp_path: Path) -> None:
    """At the port that the program was handed, in its arguments or its environment."""
    url = "http://127.0.0.1:{free_port}/health"
    for arguments, env in ((("{free_port}",), {}), ((), {"PORT": "{free_port}"})):
        done = launched(tmp_path, SERVE, *arguments, env=env, ready=Ready(url=url))
        assert done.failure is None, done.detail
        assert done.ready_ms is not None
        assert done.ready_ms > 200


def test_the_port_is_a_field_of_the_smoke_command(tmp_path: Path) -> None:
    """Where the program says none itself."""
    ask = "import sys, urllib.request as u; u.urlopen(f'http://127.0.0.1:{sys.argv[1]}/health')"
    done = launched(
        tmp_path,
        SERVE,
        "{free_port}",
        ready=Ready(url="http://127.0.0.1:{free_port}/health"),
        smoke=("python", "-c", ask.replace("{", "{{").replace("}", "}}"), "{free_port}"),
    )
    assert done.failure is None, done.detail


def test_an_address_that_never_answers_is_named(tmp_path: Path) -> None:
    """With the port that was handed over, and what is answered instead."""
    done = launched(
        tmp_path,
        SERVE,
        "{free_port}",
        ready=Ready(url="http://127.0.0.1:{free_port}/down"),
        ready_timeout_s=1.5,
    )
    assert done.failure is Failure.READY_TIMEOUT
    assert done.detail.startswith("no answer from http://127.0.0.1:")
    assert done.detail.endswith(" within 1.5 s but 500, and 200 to 399 mean ready")
    assert "{" not in done.detail


def test_a_stranger_at_the_address_is_not_taken_for_the_program(tmp_path: Path) -> None:
    """The program is not even started."""
    port = ready.free_port()
    with socket.create_server(("127.0.0.1", port)):
        url = f"http://127.0.0.1:{port}/health"
        done = launched(tmp_path, SERVE, str(port), ready=Ready(url=url))
    assert done.failure is Failure.SPAWN_FAILED
    assert "before the launch" in done.detail
    assert done.pid is None


def test_what_was_kept_in_a_buffer_shows_when_the_time_is_up(tmp_path: Path) -> None:
    """The program may end by itself first: then Python writes what it has kept."""
    started = time.monotonic()
    done = launched(tmp_path, "print('READY')\ntime.sleep(30)\n", ready_timeout_s=1.0)
    assert (done.failure, done.ready_ms) == (Failure.READY_TIMEOUT, None)
    assert done.stdout_tail == ("READY",)
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(30)\n"
    assert launched(tmp_path, stubborn, ready_timeout_s=1.0).failure is Failure.READY_TIMEOUT
    assert time.monotonic() - started < 15


def test_a_plain_script_may_keep_its_compiled_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the shell says; a packaged program brings its own compiled."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    say = "print(sys.dont_write_bytecode); print('READY', flush=True); time.sleep(30)\n"
    for said, told in (((), "False"), ((("PYTHONDONTWRITEBYTECODE", "1"),), "True")):
        done = launched(tmp_path, say, base_env=None, env=dict(said))
        assert done.stdout_tail[0] == told


@pytest.mark.skipif(sys.platform == "win32", reason="there a thread reads each pipe")
def test_a_program_that_floods_stdout_is_heard_and_let_go(tmp_path: Path) -> None:
    """It writes faster than it is read: a wait whose condition is met ends all the same."""
    program = "text = b'READY\\n' * 10_000\nwhile True:\n    os.write(1, text)\n"
    started = time.monotonic()
    done = launched(tmp_path, program, stop_timeout_s=2.0)
    assert done.failure is Failure.DUPLICATE_READY
    assert time.monotonic() - started < 60


@pytest.mark.skipif(sys.platform != "linux", reason="pipes have a size of their own there alone")
def test_a_stream_is_left_unread_with_little_room(tmp_path: Path) -> None:
    """The program blocks when the room is used up, and its other stream is still heard."""
    script = tmp_path / "program.py"
    script.write_text(
        "import os\nos.write(1, b'READY\\n')\nos.read(0, 1)\n"
        "for n in range(1, 9):\n"
        "    os.write(1, b'x' * 1024)\n"
        "    os.write(2, b'wrote %d\\n' % n)\n"
    )
    with Running(LaunchSpec(argv=(sys.executable, "-S", str(script)))) as running:
        assert running.wait_ready()
        running.leave_unread("stdout", 4096)
        running.write_stdin(b"x")
        assert not running.wait_exit(0.5)
        assert running.result().stderr_tail[-1] == "wrote 4"
        assert running.unread_bytes("stdout") == 4096
