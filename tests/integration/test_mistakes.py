"""Every mistake that people make with a sidecar ends in an error or a row that says exactly that.

Each sidecar is frozen and launched by the commands that a user types; nothing is simulated.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import sidecars

pytestmark = pytest.mark.integration

SAY = """
import os, signal, socket, sys, threading, time
from pathlib import Path

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())

def say(line):
    print(line, flush=True)

def serve():
    while not stopped.wait(0.2):
        pass
    say("SHUTDOWN reason=signal signal=SIGTERM")

say("BOOT sidecar=mistaken version=1.0.0")
"""
GOOD = SAY + 'say("READY")\nserve()\n'


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A mistake that is found before anything is built."""

    name: str
    main: str
    says: str
    settings: str = ""


REFUSED = [
    Refused(
        name="no-entry", main="", says=r"tool\.sidecar\.entry is not set, there is no main\.py"
    ),
    Refused(
        name="syntax-error",
        main=GOOD + "def broken(:\n",
        says=r"main\.py:\d+ is not valid Python: invalid syntax",
    ),
    Refused(
        name="missing-dependency",
        main="import httpx_that_is_not_there\n" + GOOD,
        says=r"main\.py:1 imports 'httpx_that_is_not_there', which no dependency of "
        r"sidecar-mistake-missing-dependency provides.*it may have another name",
    ),
    Refused(
        name="missing-data",
        main=GOOD,
        settings='data = ["words.txt"]',
        says=r"tool\.sidecar\.data names 'words\.txt'.*does not exist",
    ),
    Refused(
        name="unknown-key",
        main=GOOD,
        settings='hiden_imports = ["json"]',
        says=r"tool\.sidecar\.hiden_imports is not a known key; known are .*"
        r"Try: hidden_imports in place of hiden_imports",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_sidecar_that_cannot_work_is_refused(case: Refused, tmp_path: Path) -> None:
    """The build stops before the packager runs, exits non-zero, and says what to change."""
    name = f"sidecar-mistake-{case.name}"
    folder = sidecars.write(tmp_path, name=name, main=case.main, settings=case.settings)
    with sidecars.cleaned(name):
        done = sidecars.nox("build_cx_freeze", folder)
    assert done.returncode != 0
    assert re.search(case.says, flat(done.stdout)), done.stdout
    assert "Traceback" not in done.stdout
    assert "$ " not in done.stdout.replace("nox > ", ""), "the packager was started"


def test_dependencies_without_a_lock_name_the_command_that_makes_it(tmp_path: Path) -> None:
    """The builds never resolve by themselves: two packagers could get different versions."""
    folder = sidecars.write(tmp_path, name="sidecar-mistake-lock", main=GOOD)
    manifest = folder / "pyproject.toml"
    manifest.write_text(
        manifest.read_text()
        .replace("1.0.0", '1.0.0"\ndependencies = ["typing-extensions', 1)
        .replace('typing-extensions"', 'typing-extensions"]'),
        encoding="utf-8",
    )
    done = sidecars.nox("build_cx_freeze", folder)
    assert done.returncode != 0
    assert f"nox -s lock -- --sidecar {folder}" in flat(done.stdout)
    (folder / "requirements.lock").write_text("# Made by nox -s lock for: []\n")
    done = sidecars.nox("build_cx_freeze", folder)
    assert "was made for other dependencies" in flat(done.stdout)


@dataclass(frozen=True, kw_only=True)
class Failing:
    """A mistake that shows only when the frozen program runs."""

    name: str
    main: str
    kind: str
    says: str
    settings: str = ""
    files: str = ""
    packager: str = "cx_freeze"


FAILING = [
    Failing(
        name="never-ready",
        main=SAY + 'say("Ready")\nserve()\n',
        settings="ready_timeout_s = 2.0",
        kind="ready_timeout",
        says=r"no line 'READY' within \d+ s\. 'Ready' came, and 'READY' is waited for\. Fix: in "
        r'\[tool\.sidecar\] set ready = "Ready"',
    ),
    Failing(
        name="ready-before-bind",
        main=SAY
        + textwrap.dedent(
            """
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            say(f"LISTEN port={port}")
            say("READY")
            stopped.wait(5)
            server = socket.create_server(("127.0.0.1", port))
            serve()
            """
        ),
        settings='smoke = ["python", "-c", '
        "\"import socket; socket.create_connection(('127.0.0.1', {port}), 2)\"]",
        kind="smoke_failed",
        says=r"the smoke command python -c .* exited with 1: ConnectionRefusedError",
    ),
    Failing(
        name="smoke-field",
        main=GOOD,
        settings='smoke = ["python", "smoke.py", "{port}"]',
        kind="smoke_failed",
        says=r"needs the field 'port', and no key=value word of the sidecar's stdout gave it",
    ),
    Failing(
        name="data-not-listed",
        main=SAY + '(Path(__file__).parent / "words.txt").read_text()\nsay("READY")\nserve()\n',
        files="words.txt",
        kind="exited_before_ready",
        says=r"'words\.txt': it is in the sidecar's folder but is not listed as data.*"
        r'set data = \["words\.txt"\]',
        packager="pyinstaller",
    ),
    Failing(
        name="data-not-listed-cx",
        main=SAY + '(Path(__file__).parent / "words.txt").read_text()\nsay("READY")\nserve()\n',
        files="words.txt",
        kind="exited_before_ready",
        says=r'set data = \["words\.txt"\]',
    ),
    Failing(
        name="exits-at-once",
        main=SAY,
        kind="exited_before_ready",
        says=r"exited with 0 before READY; stdout ends with: BOOT sidecar=mistaken",
    ),
    Failing(
        name="ready-twice",
        main=SAY + 'say("READY")\nsay("READY")\nserve()\n',
        kind="duplicate_ready",
        says=r"READY came again",
    ),
    Failing(
        name="dies-after-ready",
        main=SAY + 'say("READY")\ntime.sleep(0.2)\nraise RuntimeError("the disk is on fire")\n',
        settings='smoke = ["python", "-c", "import time; time.sleep(1)"]',
        kind="died_after_ready",
        says=r"exited with \d+ before it was asked to; stderr ends with: .*the disk is on fire",
    ),
    Failing(
        name="hidden-import",
        main=SAY
        + 'import importlib\nimportlib.import_module("_".join(sys.argv[1:]))\n'
        + 'say("READY")\nserve()\n',
        settings='args = ["plug", "in"]',
        files="plug_in.py",
        kind="exited_before_ready",
        says=r"cannot import 'plug_in'.*set hidden_imports = \[\"plug_in\"\]",
    ),
]


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
def test_a_sidecar_that_fails_gets_a_row_that_says_how(case: Failing, tmp_path: Path) -> None:
    """The build says it at once, the benchmark's row names the kind, and below it stands why."""
    name = f"sidecar-mistake-{case.name}"
    folder = sidecars.write(
        tmp_path, name=name, main=case.main, settings=case.settings, files=case.files
    )
    if case.files.endswith(".py"):
        (folder / case.files).write_text("", encoding="utf-8")
    mode = "onefile" if case.packager == "pyinstaller" else "onedir"
    with sidecars.cleaned(name):
        built = sidecars.nox(f"build_{case.packager}", folder, "--mode", mode)
        assert built.returncode != 0, built.stdout
        assert "its first launch failed" in flat(built.stdout)
        assert re.search(case.says, flat(built.stdout)), built.stdout
        benched = sidecars.invoke(
            "bench", folder, "--launches", "2", "--variant", f"{case.packager}-{mode}"
        )
    assert benched.returncode == 1, benched.stdout
    assert f"2 (2 {case.kind})" in benched.stdout
    assert re.search(case.says, flat(benched.stdout)), benched.stdout
    assert "Traceback" not in benched.stdout


def flat(text: str) -> str:
    """One line, so that a pattern need not know where a message was broken."""
    return " ".join(text.split())
