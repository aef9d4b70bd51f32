"""Every entry of the issue log that names a command is shown again on real frozen binaries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.faults import reproduce
from decision.workflows import issues
from spike import issue_log
from spike.build.buildinfo import Built
from spike.core.errors import EXIT_GOAL_MISSED
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


def test_what_does_not_reproduce_is_told_apart(built: Callable[..., Built]) -> None:
    """The check can fail: the folder build of Nuitka gets each signal under its own name."""
    built("nuitka-standalone")
    said = reproduce.main(["signal_name_reaches_program", "nuitka-standalone"])
    assert said == EXIT_GOAL_MISSED


def test_another_fault_of_the_same_case_keeps_no_entry_alive(
    built: Callable[..., Built], capsys: pytest.CaptureFixture[str]
) -> None:
    """The case does not pass, but what the entry is about is not what it shows."""
    built("nuitka-onefile")
    said = reproduce.main(["sighup_at_rest", "nuitka-onefile", "--showing", "ended by SIGTERM"])
    assert said == EXIT_GOAL_MISSED
    assert "not seen everywhere: ended by SIGTERM" in capsys.readouterr().out
