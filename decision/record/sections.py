"""Parts of the reports that are about the decision: what was built, the rules, the issue log."""

from __future__ import annotations

from collections.abc import Sequence

from decision import criteria
from decision.criteria import Ruling
from decision.evidence import Evidence
from spike.core import process, requirements
from spike.core.tables import megabytes, milliseconds, table


def built(evidence: Evidence) -> str:
    """What was built: the plan's "Artifacts to capture", a row a variant."""
    if not evidence.builds:
        return ""
    rows = [
        [
            name,
            f"{build['packager']} {build['packager_version']}",
            str(build["python_version"]),
            f"{build['platform']} {build['arch']}",
            f"`{build['artifact']}`",
            megabytes(build["size_bytes"]),
            milliseconds(build["cold_start_ms"]),
            f"{build['elapsed_s']:.0f} s",
        ]
        for name, build in evidence.builds.items()
    ]
    columns = [
        "variant",
        "packager",
        "Python",
        "platform",
        "program",
        "size of the program",
        "first launch to READY",
        "build",
    ]
    commands = [
        f"- {name}: `{process.shown(build['argv'], build['env'])}`"
        for name, build in evidence.builds.items()
    ]
    interpreter = sorted({str(build["python_flavour"]) for build in evidence.builds.values()})
    return "\n".join(
        [
            table(columns, rows, numeric=5),
            "",
            "The exact commands:",
            "",
            *commands,
            "",
            f"The packagers ran on: {'; '.join(interpreter)}.",
        ]
    )


def compared(evidence: Evidence) -> str:
    """The plan's four things, its two variants side by side."""
    found = criteria.side_by_side(evidence)
    if not any(found.values()):
        return ""
    return table(
        ["", *requirements.PLAN_VARIANTS],
        [
            [name, *(found[name].get(variant, "not run") for variant in requirements.PLAN_VARIANTS)]
            for name in criteria.COMPARED
        ],
    )


def rulings(found: Sequence[Ruling]) -> str:
    """Rules with their verdicts, their reasons and what to do next."""
    return table(
        ["row", "the plan says", "verdict", "evidence", "next"],
        [
            [item.id, item.text, item.verdict.value, item.evidence, item.next_command or "-"]
            for item in found
        ],
    )


def proposed(evidence: Evidence) -> str:
    """What the rules propose, for the people who decide."""
    found = criteria.proposal(evidence)
    title = criteria.TITLES.get(found.packager)
    named = criteria.TITLES.get(criteria.packager_of(evidence.outcome))
    return "\n\n".join(
        [
            f"The rules propose {title}. {found.reason}"
            if title
            else f"The rules propose nothing yet. {found.reason}",
            f"The outcome that the record names is {named}."
            if named
            else "The record names no outcome: people decide, and write "
            '`Chosen option: "…", because …`.',
        ]
    )


def issues(evidence: Evidence) -> str:
    """The issue log in one table."""
    if not evidence.issues:
        return "No entries."
    base = evidence.sidecar.workspace.root
    return table(
        ["issue", "about", "severity", "status", "title", "reproduced by"],
        [
            [
                f"[{entry.id}]({entry.path.relative_to(base).as_posix()})"
                if entry.path
                else entry.id,
                entry.variant or entry.about,
                entry.severity,
                entry.status or "open",
                entry.title,
                f"`{entry.reproduce}`" if entry.reproduce else "-",
            ]
            for entry in evidence.issues
        ],
    )
