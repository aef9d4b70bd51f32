"""The commands as a user meets them: errors are one paragraph, with the exit codes promised."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT


def invoke(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["bench", "--launches", "0"], "--launches"),
        (["bench", "--launches", "-3"], "--launches"),
        (["bench", "--launches", "abc"], "--launches"),
        (["bench", "--launches", "10001"], "--launches"),
        (["bench", "--variant", "nuitka-onefil"], "nuitka-onefile"),
        (["bench", "--sidecar", "no-such-folder"], "--sidecar"),
        (["size", "--variant", "tarball"], "Known are"),
        (["report", "--format", "xml"], "--format json"),
        (["issue"], "--title, --list, --draft and --reproduce"),
        (["issue", "--title", "x", "--severity", "urgent"], "blocker, high, medium, low"),
        (["issue", "--reproduce", "9999"], "No entry '9999'"),
        (["doctor", "--pythons", "--with-deps"], "--pythons and --with-deps are two things"),
        (["doctor", "--windows", "--sidecar", "sidecar"], "--windows and --sidecar are two"),
        (["signing-plan", "--artifact", "x", "--variant", "y"], "--artifact and --variant are"),
        (["startup", "--why", "ssl", "--json"], "--why and --json are two things"),
        (["test", "--fast", "--nightly"], "--fast and --nightly are two things"),
        (["libraries", "--check", "--force"], "--check and --force are two things"),
        (["faults", "--list", "--host"], "--list and --host are two things"),
    ],
)
def test_a_wrong_argument_is_an_error_with_exit_code_2(words: list[str], named: str) -> None:
    """No traceback; the message names what is wrong or right; 2 says: could not be done."""
    done = invoke(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert named in done.stderr
    assert "Try: " in done.stderr


def test_the_list_of_tasks_is_a_table_of_contents() -> None:
    """Every task has a line of help."""
    done = invoke("--list", "--list-format=json")
    assert all(task["help"] for task in json.loads(done.stdout)["tasks"])


@pytest.mark.measuring
@pytest.mark.nightly
def test_the_list_of_tasks_is_quick() -> None:
    """Listing must not wait for numpy or matplotlib: 0.3 s; the best of five leaves out load."""
    elapsed_s = []
    for _ in range(5):
        started = time.monotonic()
        assert invoke("--list").returncode == 0
        elapsed_s.append(time.monotonic() - started)
    assert min(elapsed_s) < 0.3


def test_every_argument_has_help() -> None:
    """`invoke --help TASK` explains each option."""
    import tasks

    for name, task in tasks.namespace.tasks.items():
        # Of a copy: the asking takes the help away from the task.
        for argument in copy.deepcopy(task).get_arguments():
            assert argument.help, f"{name} {argument.name}"


def test_every_command_takes_a_sidecar_or_says_why_not() -> None:
    """In its help, so that nobody is sent to a command that refuses."""
    import tasks
    from commands import listing

    without = {
        name
        for name, task in tasks.namespace.tasks.items()
        if "sidecar" not in {found.name for found in copy.deepcopy(task).get_arguments()}
    }
    silent = [
        name
        for name in without
        if listing.NO_SIDECAR not in (tasks.namespace.tasks[name].__doc__ or "")
    ]
    assert silent == []
    assert without == {
        *(
            "ablation",
            "compare",
            "contract",
            "installed",
            "libraries",
            "new",
            "pool",
            "screenshots",
            "self-check",
            "services",
            "test",
        ),
    }


def test_what_builds_or_measures_takes_another_python_or_says_why_not() -> None:
    """The others read what is there, or are about no build of a sidecar."""
    import tasks
    from commands import listing

    silent = set()
    for name, task in tasks.namespace.tasks.items():
        takes = "python" in {found.name for found in copy.deepcopy(task).get_arguments()}
        refuses = listing.NO_PYTHON in (task.__doc__ or "")
        assert not (takes and refuses), name
        silent |= set() if takes or refuses else {name}
    assert silent == {
        *("adr", "compare", "history", "issue", "merge", "pool", "recommend", "report", "status"),
        *("contract", "doctor", "installed", "new", "test"),
    }


def test_nothing_outside_the_repository_is_read() -> None:
    """What a user runs needs nothing that is not in the clone."""
    packages = ("spike", "benchmarks", "decision", "commands")
    for path in [
        *ROOT.glob("*.py"),
        *(file for name in packages for file in ROOT.glob(f"{name}/**/*.py")),
    ]:
        assert "../shared" not in path.read_text(encoding="utf-8"), path


def test_the_sidecars_constants_are_those_of_its_pyproject() -> None:
    """BOOT says the name and the version that the artifact is recorded under."""
    from spike.project import sidecar

    hello = sidecar.load()
    text = (Path(hello.folder) / hello.entry).read_text(encoding="utf-8")
    assert f'NAME = "{hello.name}"' in text
    assert f'VERSION = "{hello.version}"' in text


def test_the_doctor_says_what_windows_programs_need(tmp_path: Path) -> None:
    """With the command that brings it, and nothing of what everything else needs."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "doctor", "--windows"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "| Wine " in done.stdout
    assert "| Rust for Windows " in done.stdout
    assert "invoke doctor --windows --with-deps" in done.stdout
    assert "WebKitGTK" not in done.stdout
