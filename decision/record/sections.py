"""The generated blocks of the decision record, in the order of its template.

Each is one small function from the evidence to Markdown. A new one is a function here, a line in
:data:`BLOCKS`, and its markers in ``decision/record/template.md`` and ``decision-record.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks import registry, reliability
from decision import criteria, recommend
from decision.criteria import Ruling
from decision.evidence import Evidence, usable
from decision.record import figures
from decision.record.figures import run_line
from decision.record.generated import Section
from spike.core import process, requirements
from spike.core.tables import megabytes, milliseconds, percent, table
from spike.core.workspace import display_path
from spike.host import verify
from spike.measure import results
from spike.measure.results import Result


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


def summary(evidence: Evidence) -> str:
    """The one table of the README: start, size and reliability side by side."""
    result = usable(evidence, reliability.NAME)
    if result is None:
        return ""
    rows = [
        [
            item.target,
            milliseconds(item.ready_ms),
            milliseconds(item.ready_max_ms),
            megabytes(_shipped_bytes(result, item.target)),
            f"{item.launches - item.failed} of {item.launches}",
            f"at least {percent(1 - item.rate_high)}",
        ]
        for item in reliability.summarise(result)
    ]
    columns = [
        "variant",
        "launch to READY, median",
        "slowest",
        "ships",
        "good launches",
        "95 % sure of",
    ]
    return f"{table(columns, rows, numeric=1)}\n\n{run_line(result)}"


def _shipped_bytes(result: Result, target: str) -> int | None:
    facts = result.targets[target]
    build = facts.get("build")
    if build is None:
        return None if "python" in target else int(facts["size_bytes"])
    return int(build["folder_bytes"] or build["size_bytes"])


def checked(evidence: Evidence) -> str:
    """The plan's checklist, side by side, each verdict with a link to its journal."""
    result = usable(evidence, verify.NAME)
    if result is None or result.path is None:
        return ""
    journals = display_path(result.path.parent / results.EVIDENCE)
    parts = [verify.render(result, evidence=journals)]
    parts += [verify.render_evidence(result, name) for name in result.targets]
    return "\n\n".join([*parts, run_line(result)])


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
            f"The outcome named above is {named}."
            if named
            else "No outcome is named above: people decide, and write "
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


def problems(evidence: Evidence) -> str:
    """Results that do not fit together; said here so that no table hides it."""
    if not evidence.results:
        return ""
    if not evidence.problems:
        return "All results are of the same binaries and of one machine."
    return "\n".join(f"- {problem}" for problem in evidence.problems)


_OWN: Mapping[str, Callable[[Evidence], str]] = {"checklist": checked}
"""Sections of a benchmark that show more than its own rendering."""

SECTIONS: Mapping[str, Section] = {
    block.name: block
    for block in (
        Section(name="built", command="invoke spike", render=built),
        *(
            Section(
                name=section.name,
                command=benchmark.command,
                render=_OWN.get(section.name, figures.shown(benchmark, section)),
            )
            for benchmark, section in registry.sections()
        ),
        Section(name="pictures", command="invoke spike", render=figures.gallery, readme=True),
        Section(name="summary", command="invoke spike", render=summary, readme=True),
        Section(name="side-by-side", command="invoke fallback", render=compared),
        Section(name="issues", command="invoke issue --list", render=issues),
        Section(
            name="fallback-criteria",
            command="invoke status",
            render=lambda evidence: rulings(criteria.fallback_criteria(evidence)),
        ),
        Section(
            name="contingency-steps",
            command="invoke fallback",
            render=lambda evidence: rulings(criteria.contingency_steps(evidence)),
        ),
        Section(
            name="exit-criteria",
            command="invoke status",
            render=lambda evidence: rulings(criteria.exit_criteria(evidence)),
        ),
        Section(name="proposal", command="invoke status", render=proposed),
        Section(
            name="recommendation",
            command="invoke recommend",
            render=lambda evidence: recommend.render(recommend.answer(evidence)),
        ),
        Section(name="consistency", command="invoke spike", render=problems),
    )
}


def render_all(evidence: Evidence, *, readme: bool = False) -> dict[str, str]:
    """Markdown of every block of the record, or of those of the README."""
    return {
        name: block.text(evidence) for name, block in SECTIONS.items() if block.readme is readme
    }


def commands(evidence: Evidence) -> dict[str, str]:
    """The command of every block, for its marker."""
    return {name: block.command + evidence.sidecar.option for name, block in SECTIONS.items()}
