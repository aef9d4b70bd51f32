"""The frameworks' examples are good sidecars: as plain scripts, and one of them packaged."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import signal
import sys

import pytest

from spike.core.workspace import TOOL
from spike.launch import judgement
from spike.launch.running import Running
from spike.launch.spec import LaunchSpec
from spike.project.sidecar import load
from tests.support import sidecars
from tests.support.commands import nox

pytestmark = pytest.mark.nightly

FOLDER = TOOL / "examples" / "frameworks"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/main.py"))


def test_the_document_has_every_example() -> None:
    """And no other."""
    text = (TOOL / "docs" / "frameworks.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\(\.\./examples/frameworks/(\w+)/main\.py\)", text)) == NAMES


def launched(name: str) -> LaunchSpec:
    """How an example is launched, with its dependencies."""
    folder = FOLDER / name
    made = nox("sidecar_env", "--sidecar", str(folder))
    assert made.returncode == 0, made.stdout
    sidecar = load(folder)
    python = str(sidecar.python or sys.executable)
    return judgement.spec_of(sidecar, [python, str(folder / sidecar.entry)])


@pytest.mark.parametrize("name", NAMES)
def test_a_framework_lives_a_whole_life(name: str) -> None:
    """READY once it answers, 0 after a signal, when its host is gone, and after both."""
    spec = launched(name)
    done = judgement.judge(spec)
    assert done.ok, done
    assert done.stdout_tail[-1] == "SHUTDOWN reason=signal signal=SIGTERM"
    with Running(dataclasses.replace(spec, env={"SIDECAR_EXIT_ON_EOF": "1"})) as running:
        assert running.wait_ready()
        running.close_stdin()
        assert running.wait_exit(15)
        assert running.exit_code == 0
        assert running.lines[-1].text == "SHUTDOWN reason=normal"
    with Running(dataclasses.replace(spec, env={"SIDECAR_EXIT_ON_EOF": "1"})) as running:
        assert running.wait_ready()
        running.close_stdin()
        # A host waits half a second before it sends this: the program is then ending already.
        assert running.pump(lambda: running.lines[-1].text.startswith("SHUTDOWN"), 15)
        running.send(signal.SIGTERM)
        assert running.wait_exit(15)
        assert running.exit_code == 0


def status(port: str, method: str = "GET", **headers: str) -> tuple[int, str | None]:
    """Ask once; gives the status, and for which origin the answer is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    with contextlib.closing(connection):
        connection.request(method, "/health", headers=named)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize("name", ["fastapi_uvicorn", "flask"])
def test_only_the_applications_own_pages_are_answered(name: str) -> None:
    """The guard asks for the token of the launch and for an Origin of the application's."""
    spec = launched(name)
    page = "tauri://localhost"
    env = {"SIDECAR_TOKEN": "s3cret", "SIDECAR_ORIGINS": f"{page} http://localhost:1420"}
    good = {"Authorization": "Bearer s3cret"}
    with Running(dataclasses.replace(spec, env=env)) as running:
        assert running.wait_ready()
        port = next(line.text for line in running.lines if line.text.startswith("LISTEN"))
        port = port.rpartition("=")[2]
        assert status(port) == (401, None)
        assert status(port, Authorization="Bearer other") == (401, None)
        assert status(port, **good) == (200, None)
        assert status(port, Origin=page, **good) == (200, page)
        assert status(port, Origin=page) == (401, page)
        for foreign in ("https://example.org", "null", "http://localhost:1421"):
            assert status(port, Origin=foreign, **good) == (403, None)
        asked = {"Access_Control_Request_Method": "GET"}
        assert status(port, "OPTIONS", Origin=page, **asked) == (204, page)
        assert status(port, "OPTIONS", Origin="https://example.org", **asked) == (403, None)


def test_one_is_packaged() -> None:
    """The build launches it with its smoke check, and ends with 0."""
    name = "sidecar-waitress"
    with sidecars.cleaned(name):
        done = nox("build_cx_freeze", "--sidecar", str(FOLDER / "waitress"))
    assert done.returncode == 0, done.stdout
    assert "first launch" in done.stdout
