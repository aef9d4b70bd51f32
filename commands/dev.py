"""For those who work on this repository."""

from __future__ import annotations

import sys
from typing import NoReturn

from invoke.context import Context

from commands.edge import edge, goes_alone
from commands.task import task


@task(
    help={
        "fast": "the quick unit tests and the checks of style and types only (under a minute)",
        "nightly": "also what shows upstream bugs, kills at random or holds bars (an hour or two)",
        "all": "the old name of --nightly",
    }
)
@edge
def test(
    c: Context,
    fast: bool = False,  # noqa: PT028 - options of a task
    nightly: bool = False,  # noqa: PT028
    all: bool = False,  # noqa: A002, PT028
) -> NoReturn:
    """Run every test, down to real binaries and the host.

    Takes no --sidecar: it tests the tool.
    """
    import os

    if fast:
        goes_alone("--fast", nightly=nightly, all=all)
    where = ["tests/quality", "tests/unit", *([] if fast else ["tests/integration"])]
    which = ["-m", ""] if nightly or all else []
    if fast:
        which = ["-m", "not slow and not nightly"]
    workers = ["-n", "logical", "--maxprocesses", "4"]  # see tests/conftest.py
    coverage = [] if fast else ["--cov"]
    # Replaces this process, so that the last line and the exit code are the test runner's own.
    words = [sys.executable, "-m", "pytest", *where, *which, *workers, *coverage]
    if os.name == "nt":  # there an exec tells the caller 0 at once
        sys.exit(os.spawnv(os.P_WAIT, sys.executable, words))
    os.execv(sys.executable, words)
