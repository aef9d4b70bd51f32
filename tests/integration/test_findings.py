"""Every entry of the issue log that names a command is shown again on real frozen binaries."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from benchmarks.faults import findings
from decision.workflows import issues
from spike import issue_log
from spike.build.buildinfo import Built
from spike.core import process
from spike.core.workspace import TOOL as ROOT
from spike.packagers import VARIANTS

pytestmark = [pytest.mark.integration, pytest.mark.nightly]

ENTRIES = [entry for entry in issue_log.load(ROOT / "issues") if entry.reproduce]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
def test_the_command_of_an_entry_reproduces_it(
    built: Callable[..., Built], entry: issue_log.Entry
) -> None:
    """Exit 0 means that it is still so; a log that nobody re-checks is prose."""
    if entry.variant in VARIANTS:
        built(entry.variant)
    done = issues.run_command(entry)
    if done.exit_code == 2 and ": not run\n" in done.output:
        pytest.skip(f"this machine lacks what the case needs: {done.output}")
    assert done.exit_code == 0, done.output + done.errors


def test_every_finding_has_its_entry() -> None:
    """What the repository can reproduce is in the log."""
    named = {entry.reproduce.split()[-1] for entry in ENTRIES}
    assert set(findings.FINDINGS) <= named


def test_a_finding_that_does_not_reproduce_is_told_apart(built: Callable[..., Built]) -> None:
    """The check can fail: the folder build of Nuitka gets SIGTERM as SIGTERM."""
    finding = findings.find("nuitka-onefile-sigterm")
    assert not finding.check(built("nuitka-standalone")).reproduced


def test_an_unknown_finding_is_a_clear_error() -> None:
    """A typing mistake gets the list of names, and exit code 2."""
    done = process.capture([sys.executable, "-m", "benchmarks.faults.findings", "nope"], cwd=ROOT)
    assert done.exit_code == 2
    assert "Known are: nuitka-onefile-sigterm" in done.errors
