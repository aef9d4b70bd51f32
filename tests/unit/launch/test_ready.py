"""The forms of "ready", as the host's supervisor knows them."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spike.launch import ready
from spike.launch.ready import Ready
from spike.project.sidecar import Sidecar


@pytest.mark.parametrize(
    ("wanted", "stream", "text", "expected"),
    [
        (Ready(), "stdout", "READY", True),
        (Ready(), "stdout", "READY ", False),
        (Ready(), "stdout", "NOT READY", False),
        (Ready(), "stderr", "READY", False),
        (Ready(stream="stderr"), "stderr", "READY", True),
        (Ready(stream="stderr"), "stdout", "READY", False),
        (Ready(stream="either"), "stdout", "READY", True),
        (Ready(stream="either"), "stderr", "READY", True),
        (Ready(pattern="running on"), "stdout", "INFO: Uvicorn running on http://x", True),
        (Ready(pattern="^running"), "stdout", "INFO: running", False),
        (Ready(pattern=r"port \d+$"), "stdout", "port 80", True),
        (Ready(pattern=r"port \d+$"), "stdout", "port ٣", False),
        (Ready(url="http://127.0.0.1/"), "stdout", "READY", False),
    ],
)
def test_a_line_says_it_or_not(wanted: Ready, stream: str, text: str, expected: bool) -> None:
    """A whole line or a pattern, on the stream that is listened to; digits are ASCII."""
    assert wanted.heard(stream, text) is expected


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Ready(), "no line 'READY'"),
        (Ready(stream="stderr"), "no line 'READY' on stderr"),
        (Ready(pattern="up", stream="either"), "no line with 'up' on either stream"),
        (Ready(url="http://127.0.0.1:1/"), "no answer from http://127.0.0.1:1/"),
    ],
)
def test_what_has_not_come_is_named(wanted: Ready, words: str) -> None:
    """As the row of a failed launch has it."""
    assert str(wanted) == words


def test_a_sidecar_is_ready_as_its_settings_say() -> None:
    """Each of the four has its own place."""
    found = Sidecar(
        folder=Path("x"),
        name="a",
        version="1",
        ready="UP",
        ready_pattern="up",
        ready_stream="either",
        ready_url="http://127.0.0.1:80/",
    )
    assert Ready.of(found) == Ready(
        line="UP", pattern="up", stream="either", url="http://127.0.0.1:80/"
    )


def test_a_free_port_is_filled_in_where_it_is_asked_for() -> None:
    """Only there: braces of a program's own stay."""
    assert ready.filled("--port={free_port} {x} {}", 80) == "--port=80 {x} {}"
    assert ready.filled("--port={free_port}", None) == "--port={free_port}"
    assert ready.asks_for_port(["-p", "{free_port}"], {})
    assert ready.asks_for_port([], {"PORT": "{free_port}"})
    assert not ready.asks_for_port(["{port}"], {"A": "{}"})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", ready.free_port()))


def test_programs_that_start_at_once_get_different_ports() -> None:
    """Though none of them has bound its port yet."""
    ports = [ready.free_port() for _ in range(ready.REMEMBERED_PORTS)]
    assert len(set(ports)) == len(ports)


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/": 200, "/there?a=b": 302}.get(self.path, 503))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_an_address_answers_or_not(server: str) -> None:
    """200 to 399 is ready; an error of the server's, or nobody, is not."""
    assert ready.listens(server)
    assert ready.answers(server)
    assert ready.answers(f"{server}/there?a=b")
    assert not ready.answers(f"{server}/down")
    nobody = f"http://127.0.0.1:{ready.free_port()}/"
    assert not ready.listens(nobody)
    assert not ready.answers(nobody)


def test_one_that_speaks_no_http_does_not_answer() -> None:
    """Whatever else may listen there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            connection.sendall(b"SSH-2.0-x\r\n")
            connection.close()

        threading.Thread(target=speak, daemon=True).start()
        assert not ready.answers(f"http://127.0.0.1:{listening.getsockname()[1]}/")
