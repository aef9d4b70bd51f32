"""A report as people read it."""

from __future__ import annotations

import textwrap

from spike.contract.promises import PROMISES, VERSION, Report, Verdict
from spike.core import process, tables
from spike.core.workspace import brought

WIDTH = 100


def render(report: Report) -> str:
    """The table of rows, then what to add for each that is not kept."""
    rows = [[each.row.value, each.verdict.value, each.detail] for each in report.findings]
    parts = [
        f"{process.shown(report.command)}"
        + (f" ({report.language})" if report.language else "")
        + f", contract version {VERSION}",
        tables.table(["row", "verdict", "what was seen"], rows),
    ]
    for each in report.of(Verdict.BROKEN):
        promise = textwrap.fill(f"{each.row}: {PROMISES[each.row]}", WIDTH)
        added = [part for line in each.lines for part in _wrapped(line)]
        parts.append("\n".join([promise, "Add:", *(f"    {line}" for line in added)]))
    parts.append(_sum(report))
    return "\n\n".join(parts)


def _wrapped(line: str) -> list[str]:
    """A line of code as it is; words, which end with a full stop, on as many as they need."""
    return textwrap.wrap(line, WIDTH - 4) if line.endswith(".") else [line]


def _sum(report: Report) -> str:
    """The last line: of how many rows what is kept."""
    counts = {verdict: len(report.of(verdict)) for verdict in Verdict}
    asked = counts[Verdict.KEPT] + counts[Verdict.BROKEN]
    said = f"{counts[Verdict.KEPT]} of {asked} rows are kept"
    for verdict in (Verdict.NOT_ASKED, Verdict.NOT_TRIED):
        if counts[verdict]:
            said += f", {counts[verdict]} {verdict}"
    return f"{said}. The contract: {brought('docs/contract.md')}"
