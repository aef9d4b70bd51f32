"""The probe as a plain script: its commands are there, in whichever of its modules they lie."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from benchmarks.faults.targets import PROBE_FOLDER

CASES = PROBE_FOLDER.parent / "cases"


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """A plain interpreter, in the probe's folder."""
    return subprocess.run(
        [sys.executable, "-B", *words],
        cwd=PROBE_FOLDER,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_every_command_that_a_case_asks_for_is_there() -> None:
    """A frozen probe would answer with 2, which looks like a fault of the packager."""
    asked = {
        name
        for path in CASES.rglob("*.py")
        for name in re.findall(r"\.ask\(\s*\"(\w+)\"", path.read_text(encoding="utf-8"))
    }
    assert {"multiprocessing", "abort", "extensions", "tls"} <= asked
    look = "import sys, main; print(*(name for name in sys.argv[1:] if not main.command(name)))"
    done = python("-c", look, *sorted(asked), "nobody_asks_this")
    assert (done.stdout.split(), done.stderr) == (["nobody_asks_this"], "")


@pytest.mark.parametrize("name", ["extensions", "files", "inspect", "dataclasses", "recurse"])
def test_a_plain_script_passes(name: str) -> None:
    """What fails in an interpreter is no fault of a packager."""
    if sys.platform == "win32" and name == "extensions":
        pytest.skip("it asks the C library by a name of POSIX")
    done = python("main.py", name)
    assert done.returncode == 0, done.stderr
    checks = json.loads(done.stdout.removeprefix("REPORT "))
    assert {key: text for key, text in checks.items() if text and not key[0].isupper()} == {}


def test_its_modules_are_imported_with_it() -> None:
    """Else a program removed while it runs would fail by the probe's own import."""
    ours = sorted(path.stem for path in PROBE_FOLDER.glob("*.py") if path.stem != "main")
    done = python("-c", "import sys, main; print(*sorted({*sys.argv[1:]} & {*sys.modules}))", *ours)
    assert done.stdout.split() == ours
