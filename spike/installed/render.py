"""A report as people read it."""

from __future__ import annotations

from spike.core import tables
from spike.installed.rows import PROMISES, Report, Verdict

MOST_LINES = 12


def render(report: Report) -> str:
    """The table of rows, then each row that failed with its promise and what is known."""
    made = " (made from it by repacking)" if report.next_made else ""
    rows = [[each.row.value, each.verdict.value, each.detail] for each in report.findings]
    parts = [
        f"{report.package}: {report.name} {report.version}, then {report.next_version}{made}\n"
        f"In a root of its own: {report.root}. Application: /{report.main}. "
        f"Sidecars: {', '.join('/' + path for path in report.sidecars) or 'none found'}.",
        tables.table(["row", "verdict", "what was seen"], rows),
    ]
    for each in report.of(Verdict.FAIL):
        lines = [f"{each.row}: {PROMISES[each.row]}"]
        lines += [f"    {line}" for line in each.left[:MOST_LINES]]
        if len(each.left) > MOST_LINES:
            lines.append(f"    and {len(each.left) - MOST_LINES} more")
        if each.log:
            lines += ["  It said:", *(f"    {line}" for line in each.log[-MOST_LINES:])]
        parts.append("\n".join(lines))
    if report.data_folders:
        parts.append("Data of the user's, which stays: " + ", ".join(report.data_folders))
    parts.append(_sum(report))
    return "\n\n".join(parts)


def _sum(report: Report) -> str:
    """The last line: how many rows of those that were run passed."""
    passed, failed = len(report.of(Verdict.PASS)), len(report.of(Verdict.FAIL))
    said = f"{passed} of {passed + failed} rows pass"
    for verdict in (Verdict.NOT_ASKED, Verdict.NOT_RUN):
        count = len(report.of(verdict))
        if count:
            said += f", {count} {verdict}"
    return f"{said}. What each asks: docs/installed.md"
