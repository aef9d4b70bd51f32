"""What a rule says, and what several rules read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks import reliability
from decision.evidence import Evidence, usable
from spike.issue_log import Entry

NUITKA: Final = "nuitka"
PYINSTALLER: Final = "pyinstaller"
TITLES: Final[Mapping[str, str]] = {NUITKA: "Nuitka", PYINSTALLER: "PyInstaller"}
"""The plan's two options, as a record names them."""


class Verdict(StrEnum):
    """What a rule says. The last three are of contingency steps."""

    MET = "met"
    NOT_MET = "not met"
    NOT_RUN = "not run"
    DONE = "done"
    OPEN = "open"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """One rule's verdict.

    Attributes:
        id: The row, such as ``F3``.
        text: The plan's own words.
        verdict: What the rule says.
        evidence: Why, in sentences; never empty.
        next_command: What to run or to do to get further; empty when nothing is open.
    """

    id: str
    text: str
    verdict: Verdict
    evidence: str
    next_command: str = ""


def named(entry: Entry) -> str:
    """An entry as a sentence names it."""
    return f"Issue {entry.id} ({entry.title})"


def launches_of(evidence: Evidence, variant: str) -> reliability.Summary | None:
    """A variant's launches in the current reliability run; None when there are none."""
    result = usable(evidence, reliability.NAME)
    if result is None:
        return None
    return next((item for item in reliability.summarise(result) if item.target == variant), None)
