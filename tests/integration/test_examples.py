"""The examples as ordinary programs: what each promises, asked of it from outside.

They run in an environment that holds their lock and nothing else.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.targets import Target, variant_target
from spike.build.buildinfo import Built
from spike.core.workspace import TOOL as ROOT
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec
from spike.launch.stopping import stop
from spike.packagers import DEFAULT_VARIANTS
from spike.project.sidecar import Sidecar, load
from tests.support.commands import nox

pytestmark = pytest.mark.integration

NAMES = ("fastapi", "numpy", "jsonrpc")


@pytest.fixture(scope="session", params=NAMES)
def example(request: pytest.FixtureRequest) -> Sidecar:
    """Each example in turn, its own environment made."""
    return prepared(request.param)


@functools.cache
def prepared(name: str) -> Sidecar:
    folder = f"examples/{name}"
    done = nox("sidecar_env", "--sidecar", folder)
    assert done.returncode == 0, done.stdout
    return load(ROOT / folder)


def spec(sidecar: Sidecar, tmp_path: Path) -> LaunchSpec:
    """The sidecar's script in its own environment, with the user's folders in ``tmp_path``."""
    python = sidecar.python or sys.executable
    return LaunchSpec(
        argv=(str(python), str(sidecar.folder / sidecar.entry)),
        env={"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), **sidecar.env},
        ready_timeout_s=30.0,
        smoke=sidecar.smoke,
        smoke_cwd=sidecar.folder,
        smoke_stdio=sidecar.smoke_stdio,
    )


def test_a_whole_life_with_its_smoke_check(example: Sidecar, tmp_path: Path) -> None:
    """READY once, the smoke check's questions answered, a clean stop, nothing left."""
    done = launch(spec(example, tmp_path), inspect=leftovers.inspect)
    assert done.ok, done
    assert done.stdout_tail == () or done.stdout_tail[0].startswith(f"BOOT sidecar={example.name}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_stop_signal_is_named_and_obeyed(
    example: Sidecar, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit 0 and the signal's name in the SHUTDOWN line."""
    with Running(spec(example, tmp_path)) as running:
        assert running.wait_ready()
        assert stop(running, number), running.result()
        assert running.lines[-1].text == f"SHUTDOWN reason=signal signal={number.name}"


def test_a_signal_before_ready_stops_it_too(example: Sidecar, tmp_path: Path) -> None:
    """A host that changes its mind during the start is obeyed, with exit code 0."""
    with Running(spec(example, tmp_path)) as running:
        assert running.pump(lambda: running.boot_ms is not None, 30)
        running.send(signal.SIGTERM)
        assert running.wait_exit(10)
        assert running.exit_code == 0
        assert running.lines[-1].text == "SHUTDOWN reason=signal signal=SIGTERM"


def test_end_of_stdin_is_a_normal_stop(example: Sidecar, tmp_path: Path) -> None:
    """The host is gone: the sidecar does not outlive it."""
    asked = spec(example, tmp_path)
    asked = LaunchSpec(
        argv=asked.argv, env={**asked.env, "SIDECAR_EXIT_ON_EOF": "1"}, ready_timeout_s=30
    )
    with Running(asked) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.wait_exit(10)
        assert running.exit_code == 0
        assert running.lines[-1].text == "SHUTDOWN reason=normal"


FROZEN = [
    # One packager in every check; the others take many minutes (Nuitka) or add little.
    name if name == "pyinstaller-onedir" else pytest.param(name, marks=pytest.mark.nightly)
    for name in DEFAULT_VARIANTS
]


@pytest.mark.parametrize("variant", FROZEN)
@pytest.mark.parametrize("name", NAMES)
def test_every_packager_builds_every_example(
    built: Callable[..., Built], name: str, variant: str, tmp_path: Path
) -> None:
    """The frozen program passes the same smoke check as the script."""
    target: Target = variant_target(built(variant, f"examples/{name}"))
    env = {**target.sidecar.env, "XDG_DATA_HOME": str(tmp_path)}
    done = launch(target.spec(env=env), inspect=leftovers.inspect)
    assert done.ok, done


@contextmanager
def fastapi(tmp_path: Path) -> Iterator[tuple[Running, int]]:
    """The FastAPI example, ready, and its port."""
    with Running(spec(prepared("fastapi"), tmp_path)) as running:
        assert running.wait_ready(), running.result()
        yield running, int(running.fields()["port"])


def test_fastapi_accepts_the_moment_it_is_ready(tmp_path: Path) -> None:
    """LISTEN comes before READY, and the first connection after READY is not refused."""
    with fastapi(tmp_path) as (running, port):
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        assert [line.text for line in running.lines][1:] == [f"LISTEN port={port}", "READY"]


@contextmanager
def half_sent(port: int, body: bytes) -> Iterator[socket.socket]:
    """A POST /notes whose body is half sent: a request in flight for as long as we like."""
    head = (
        "POST /notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(0.3)  # long enough for the server to have read it and to wait for the rest
        yield connection


def test_fastapi_answers_the_request_in_flight_before_it_stops(tmp_path: Path) -> None:
    """After SIGTERM nobody new is let in, the open request gets its answer, then exit 0."""
    body = json.dumps({"title": "in flight"}).encode()
    with fastapi(tmp_path) as (running, port), half_sent(port, body) as connection:
        running.send(signal.SIGTERM)
        time.sleep(0.5)
        assert not running.exited
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        connection.sendall(body[len(body) // 2 :])
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 201
        assert json.loads(response.read())["title"] == "in flight"
        assert running.wait_exit(10)
        assert running.exit_code == 0
        assert running.lines[-1].text == "SHUTDOWN reason=signal signal=SIGTERM"


@pytest.mark.parametrize("variant", FROZEN)
@pytest.mark.parametrize("to_group", [False, True], ids=["to the process", "to the group"])
def test_fastapi_does_so_in_every_packagers_program(
    built: Callable[..., Built], variant: str, to_group: bool, tmp_path: Path
) -> None:
    """A launcher process that translates or doubles the signal costs nobody an answer."""
    body = json.dumps({"title": "in flight"}).encode()
    target = variant_target(built(variant, "examples/fastapi"))
    env = {**target.sidecar.env, "XDG_DATA_HOME": str(tmp_path)}
    with Running(target.spec(env=env)) as running:
        assert running.wait_ready(), running.result()
        assert running.pid is not None
        with half_sent(int(running.fields()["port"]), body) as connection:
            if to_group:
                os.killpg(running.pid, signal.SIGTERM)
            else:
                running.send(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(body[len(body) // 2 :])
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 201
            assert running.wait_exit(10)
        assert running.exit_code == 0
        assert running.lines[-1].text.startswith("SHUTDOWN reason=signal signal=SIG")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_fastapi_keeps_its_grace_when_a_second_signal_comes(
    tmp_path: Path, second: signal.Signals
) -> None:
    """Nuitka's onefile launcher adds a SIGINT to the host's SIGTERM: requests survive it."""
    body = json.dumps({"title": "twice"}).encode()
    with fastapi(tmp_path) as (running, port), half_sent(port, body) as connection:
        running.send(signal.SIGTERM)
        time.sleep(0.3)
        running.send(second)
        time.sleep(0.3)
        connection.sendall(body[len(body) // 2 :])
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 201
        assert running.wait_exit(10)
        assert running.exit_code == 0


def test_fastapi_does_not_wait_for_ever_for_a_client(tmp_path: Path) -> None:
    """A client that never finishes its request delays the stop by the grace and no more."""
    with fastapi(tmp_path) as (running, port), half_sent(port, b'{"title": "never"}'):
        started = time.monotonic()
        running.send(signal.SIGTERM)
        assert running.wait_exit(10)
        assert running.exit_code == 0
        assert 2.5 < time.monotonic() - started < 6


def test_fastapi_keeps_its_notes_in_the_users_data_folder(tmp_path: Path) -> None:
    """The database is where the platform keeps user data, and survives a restart."""
    body = json.dumps({"title": "kept"})
    for expected in (0, 1):
        with fastapi(tmp_path) as (running, port):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/health")
            assert json.loads(connection.getresponse().read())["notes"] == expected
            connection.request("POST", "/notes", body, {"Content-Type": "application/json"})
            assert connection.getresponse().read()
            connection.close()
            assert stop(running)
    assert (tmp_path / "sidecar-fastapi" / "notes.sqlite3").is_file() or sys.platform != "linux"


def test_fastapi_says_why_it_cannot_start(tmp_path: Path) -> None:
    """An unusable data folder ends before READY, non-zero, with the cause on stderr."""
    (tmp_path / "sidecar-fastapi").write_text("a file where the folder has to be")
    with Running(spec(prepared("fastapi"), tmp_path)) as running:
        assert not running.wait_ready()
        assert running.exit_code == 1
        assert any("FileExistsError" in line for line in running.result().stderr_tail)


def converse(*lines: str) -> list[object]:
    """Feed lines to the JSON-RPC example and return what it answers after READY."""
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT / "examples" / "jsonrpc",
        env={**os.environ, "SIDECAR_EXIT_ON_EOF": "1"},
        input="".join(line + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    boot, ready, *answers, shutdown = done.stdout.splitlines()
    assert boot.startswith("BOOT ")
    assert (ready, shutdown) == ("READY", "SHUTDOWN reason=normal")
    return [json.loads(line) for line in answers]


def error(code: int, request_id: object = None) -> dict[str, object]:
    return {"jsonrpc": "2.0", "error": {"code": code}, "id": request_id}


def test_jsonrpc_follows_the_specification() -> None:
    """Calls, notifications, batches and each of the specification's errors."""
    answers = converse(
        '{"jsonrpc": "2.0", "method": "ping", "id": 1}',
        '{"jsonrpc": "2.0", "method": "ping"}',
        '{"jsonrpc": "2.0", "method": "words", "params": ["b b a", 1], "id": "x"}',
        "not json",
        "[]",
        "[1]",
        '{"jsonrpc": "1.0", "method": "ping", "id": 2}',
        '{"jsonrpc": "2.0", "method": "absent", "id": 3}',
        '{"jsonrpc": "2.0", "method": "words", "params": {"text": 5}, "id": 4}',
        '{"jsonrpc": "2.0", "method": "ping", "params": "bar", "id": 5}',
        '[{"jsonrpc": "2.0", "method": "ping", "id": 6}, {"jsonrpc": "2.0", "method": "ping"}]',
        '[{"jsonrpc": "2.0", "method": "ping"}]',
    )
    for answer in answers:
        if isinstance(answer, dict) and "error" in answer:
            assert answer["error"].pop("message")
    assert answers == [
        {"jsonrpc": "2.0", "result": "pong", "id": 1},
        {"jsonrpc": "2.0", "result": [["b", 2]], "id": "x"},
        error(-32700),
        error(-32600),
        [{**error(-32600), "error": answers[4][0]["error"]}],  # type: ignore[index]
        error(-32600),
        error(-32601, 3),
        error(-32602, 4),
        error(-32600, 5),
        [{"jsonrpc": "2.0", "result": "pong", "id": 6}],
    ]


def test_jsonrpc_finishes_the_answer_that_a_signal_finds_it_at(tmp_path: Path) -> None:
    """A stop in the middle of a request comes after its answer, whole."""
    request = {"jsonrpc": "2.0", "method": "words", "params": {"text": "ab " * 4_000_000}, "id": 1}
    with Running(spec(prepared("jsonrpc"), tmp_path)) as running:
        assert running.wait_ready()
        running.write_stdin(json.dumps(request).encode() + b"\n")
        time.sleep(0.3)  # it has read the request and is still counting
        running.send(signal.SIGTERM)
        assert running.wait_exit(10)
        assert running.exit_code == 0
    texts = [line.text for line in running.lines]
    assert texts[-2:] == [
        json.dumps({"jsonrpc": "2.0", "result": [["ab", 4_000_000]], "id": 1}),
        "SHUTDOWN reason=signal signal=SIGTERM",
    ]
