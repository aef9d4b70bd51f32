"""Commands as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from spike.core.workspace import TOOL as ROOT
from tests.support import turns

COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""What makes every Python below us note its lines; a program that is measured must not."""

TIMEOUT_S = 1800
"""More than the longest build on a busy machine; a command that hangs is a failure with a name."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the tools' environment in the repository; both streams in ``stdout``."""
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("CI", None)  # with it, the packagers' whole output is shown
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    return done([sys.executable, "-m", *arguments], cwd=ROOT, env=environment)


def done(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float = TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end without anybody at its stdin; both streams in ``stdout``."""
    return subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def environment_without(*names: str) -> dict[str, str]:
    """This environment without variables of these names, and without what measures coverage."""
    return {
        key: value
        for key, value in os.environ.items()
        if key not in names and not key.startswith("COV")
    }


def nox(session: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a Nox session, with ``words`` after its ``--``; one of a name at a time.

    Two workers that make the same environment at the same moment would spoil it.
    """
    with turns.one_at_a_time(f"nox-{session}"):
        return run("nox", "-s", session, "--", *words)


def invoke(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a task; one at a time, since most of them measure."""
    with turns.measuring_here():
        return run("invoke", *words)
