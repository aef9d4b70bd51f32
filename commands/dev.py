"""For those who work on this repository."""

from __future__ import annotations

import sys
from typing import NoReturn

from invoke.context import Context
from invoke.tasks import task


@task(
    help={
        "fast": "the unit tests and the checks of style and types only (seconds)",
        "all": "also the slow tests: long sweeps, every packager of every example (an hour)",
    }
)
def test(c: Context, fast: bool = False, all: bool = False) -> NoReturn:  # noqa: A002, PT028 - options of a task
    """Run every test, down to real binaries and the host."""
    import os

    where = ["tests/quality", "tests/unit", *([] if fast else ["tests/integration"])]
    which = [] if all else ["-m", "not slow"]
    # Replaces this process, so that the last line and the exit code are the test runner's own.
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *where, *which])
