"""Which entry of the issue log is about which case, and which failure has none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from benchmarks.faults.counts import Cell
from benchmarks.faults.verdict import Status
from spike.core.workspace import TOOL, project

REPRODUCE = "python -m benchmarks.faults.reproduce"
"""The command with which an entry of the issue log names a case and a variant."""

REPRODUCE_ELSEWHERE = "python -m packaging_spike.reproduce"
"""The same in a project that has the tool as a wheel."""

_NAMED = re.compile(rf"(?:{re.escape(REPRODUCE)}|{re.escape(REPRODUCE_ELSEWHERE)}) ([^`\n]+)")


def reproduce_command() -> str:
    """The command by which a case is tried again here."""
    return REPRODUCE if project() == TOOL else REPRODUCE_ELSEWHERE


def entries_by_cell(
    folder: Path | None = None, *, pythons: Collection[str] = ()
) -> dict[tuple[str, str], str]:
    """Which entry of the issue log reproduces which case on which variant.

    An entry names them with :func:`reproduce_command`, the case, and one or more variants.

    Args:
        folder: The issue log; the project's when None.
        pythons: Versions of the Python that was packaged. An entry that names one with
            ``--python`` is about no other.
    """
    entries: dict[tuple[str, str], str] = {}
    for path in sorted((folder or project() / "issues").glob("*.md")):
        number = path.name.partition("-")[0]
        for match in _NAMED.finditer(path.read_text(encoding="utf-8")):
            words = match[1].split()
            if "--sidecar" in words:
                continue  # that is about another program than the one that every case is run on
            asked = words[words.index("--python") + 1 :][:1] if "--python" in words else []
            if asked and not any(f"{each}.".startswith(f"{asked[0]}.") for each in pythons):
                continue
            case, *variants = itertools.takewhile(lambda word: not word.startswith("-"), words)
            for variant in variants:
                entries.setdefault((case, variant), number)
    return entries


def unlogged(shown: Iterable[Cell], entries: Mapping[tuple[str, str], str]) -> list[str]:
    """What fails and has no entry in the issue log, as ``case on variant``."""
    return [
        f"{cell.case} on {cell.target}"
        for cell in shown
        if cell.status is Status.FAIL and (cell.case, cell.target) not in entries
    ]
