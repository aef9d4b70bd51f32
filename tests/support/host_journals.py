"""What the committed journals of one variant recorded, as the rows of the checklist judge it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spike.core import jsonfile
from spike.core.workspace import TOOL
from spike.host import verify
from spike.host.application import Run
from spike.host.observed import Observed
from spike.host.sights import Sight
from spike.host.window import Shown
from spike.launch.ready import Ready

VARIANT = "pyinstaller-onefile"
JOURNALS = verify.journals_of(TOOL / "benchmarks/results/linux-x64/evidence", VARIANT)

OWN = ("ready", "restart", "shutdown", "cycles")
"""The runs that launch the sidecar itself."""

URL = "http://127.0.0.1:{free_port}/health"
PORT = 4711


def observed() -> Observed:
    """The hello sidecar, which speaks as the plan has it."""
    runs = {}
    for name, document in json.loads(jsonfile.text(JOURNALS, remedy="invoke verify")).items():
        runs[name] = Run(
            journal=document["journal"],
            exit_code=document["exit_code"],
            log="\n".join(document["log"]),
            processes_left=tuple(document["processes_left"]),
            files_left=tuple(document["files_left"]),
        )
    ready = runs["ready"].journal
    crash = runs["crash"].journal["launches"][-1]["failure"]["text"]
    return Observed(
        variant=VARIANT,
        name="sidecar-hello",
        external_bin="binaries/sidecar-hello",
        staged_file="sidecar-hello-x86_64-unknown-linux-gnu",
        suffix="",
        triple="x86_64-unknown-linux-gnu",
        rust_triple="x86_64-unknown-linux-gnu",
        contents=("usr/bin/sidecar-host", "usr/bin/sidecar-hello"),
        packaged_as="usr/bin/sidecar-hello",
        packaged_sha256="a" * 64,
        artifact_sha256="a" * 64,
        unpacked_into="Grüße aus dem Ordner",
        args=tuple(ready["config"]["args"]),
        env={"SIDECAR_TOKEN": "spike-%CE%A9k"},
        protocol=True,
        ready=Ready(),
        silent_timeout_ms=1500,
        runs=runs,
        window=Shown(state="Failed", failure=crash, log=()),
    )


def of_another(ready: Ready, own_lines: Callable[[float], Sequence[Mapping[str, Any]]]) -> Observed:
    """The same journals, as a sidecar would leave them that does not speak as the plan has it.

    Args:
        ready: What means ready.
        own_lines: What it prints in each of its launches, by when it became ready.
    """
    seen = observed()
    runs = {
        name: replace(run, journal=copy.deepcopy(run.journal)) for name, run in seen.runs.items()
    }
    for name in OWN:
        for launch in runs[name].journal["launches"]:
            at_ms = next(x["at_ms"] for x in launch["transitions"] if x["state"] == "ready")
            launch["lines"] = list(own_lines(at_ms))
            launch["launched"]["free_port"] = PORT
    for name in (*OWN, "missing", "malformed", "silent", "crash"):
        config = runs[name].journal["config"]
        if ready.url:
            config["ready_url"] = ready.url
    pid = runs["ready"].journal["launches"][-1]["pid"]
    sight = Sight(pid=pid, args=("--port", str(PORT)), env={"MODE": "quiet", "OTHER": "x"})
    child = Sight(pid=pid + 1, args=(), env={})
    runs["ready"] = replace(runs["ready"], sights=(child, sight))
    return replace(
        seen,
        args=("--port", "{free_port}"),
        env={"MODE": "quiet"},
        protocol=False,
        ready=ready,
        runs=runs,
    )


def line(stream: str, kind: str, text: str, at_ms: float) -> dict[str, Any]:
    """A line as a journal has it."""
    return {"launch": 1, "at_ms": at_ms, "stream": stream, "kind": kind, "text": text}


def protocol_by_another() -> Observed:
    """A line sidecar that says BOOT and SHUTDOWN, each with fields of its own."""
    return of_another(
        Ready(),
        lambda at_ms: [
            line("stdout", "boot", "BOOT sidecar=x version=1 args=mine", at_ms - 1),
            line("stdout", "ready", "READY", at_ms),
            line("stdout", "heartbeat", "HEARTBEAT", at_ms + 1),
            line("stdout", "shutdown", "SHUTDOWN reason=signal", at_ms + 2),
            line("stdout", "other", "good bye", at_ms + 3),
        ],
    )


def framework() -> Observed:
    """A line sidecar with a framework's own text on stderr, and nothing on stdout."""
    return of_another(
        Ready(pattern=r"running on http://\S+", stream="stderr"),
        lambda at_ms: [
            line("stderr", "other", "INFO:     Started server process [1]", at_ms - 1),
            line("stderr", "ready", "INFO:     Uvicorn running on http://127.0.0.1:1", at_ms),
            line("stderr", "other", "INFO:     Finished server process [1]", at_ms + 9),
        ],
    )


def silent() -> Observed:
    """A sidecar that prints nothing, ready when its address answers."""
    return of_another(Ready(url=URL), lambda _: [])
