"""What a program offers to cases beside a start and a stop: tried, not guessed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.faults.conditions import Conditions
from benchmarks.faults.needs import Need
from benchmarks.faults.program import Program
from benchmarks.faults.session import Session

STDIN_S = 5.0
"""A program that watches its stdin ends well within this."""


def lacking(program: Program) -> dict[Need, str]:
    """What a program does not offer, and why; empty for one that does not even start.

    It is launched twice at once: does the second get ready beside the first? Then the stdin of the
    first ends: does it end as well?
    """
    found: dict[Need, str] = {}
    with tempfile.TemporaryDirectory(prefix="spike-ability-", ignore_cleanup_errors=True) as name:
        first = Session(program, Conditions(), Path(name) / "first")
        second = Session(program, Conditions(), Path(name) / "second")
        with first:
            if not first.until_ready():
                first.end()
                return found
            with second:
                if not second.until_ready() or first.running.exited:
                    found[Need.BESIDE] = (
                        f"needs {Need.BESIDE}: a second one beside it {_said(second)}"
                    )
                second.stop()
                second.end()
            first.running.close_stdin()
            if not first.running.wait_exit(STDIN_S):
                found[Need.STDIN] = (
                    f"needs {Need.STDIN}: this one still runs {STDIN_S:g} s after that"
                )
                first.stop()
            first.end()
    return found


def _said(session: Session) -> str:
    """How a second launch failed, in words."""
    words = session.running.detail or "ended the first"
    last = session.running.result().stderr_tail[-1:]
    return f"is not ready ({words}{': ' if last else ''}{' '.join(last)})"
