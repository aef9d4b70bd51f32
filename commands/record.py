"""What the evidence says: verdicts, the recommendation, record and report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from commands.edge import HELLO, SIDECAR_HELP, edge

if TYPE_CHECKING:
    from decision.evidence import Evidence


def say_origin(known: Evidence) -> None:
    """Say whose figures follow, when they are not all of this checkout."""
    from decision import evidence

    if said := evidence.origin(known):
        print(f"{said}\n")


@task(help={"sidecar": SIDECAR_HELP})
@edge
def status(c: Context, sidecar: str = HELLO) -> int:
    """Say where Milestone 0 stands, and the next command."""
    from decision import criteria, evidence
    from decision.recommend import standings
    from decision.record import sections
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK
    from spike.core.workspace import platform_id
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    say_origin(known)
    print(f"{sections.rulings(criteria.fallback_criteria(known))}\n")
    print(f"{sections.proposed(known)}\n")
    print(f"{standings.answer(known).sentence}\n")
    print(f"{sections.rulings(criteria.contingency_steps(known))}\n")
    found = criteria.exit_criteria(known)
    print(f"{sections.rulings(found)}\n")
    for problem in known.problems:
        print(problem)
    undone = [item for item in found if item.verdict is not criteria.Verdict.MET]
    if undone or known.problems:
        print(f"Milestone 0: {len(found) - len(undone)} of {len(found)} are met.")
        for item in undone:
            print(f"{item.id} {item.verdict}: {item.next_command}")
        return EXIT_GOAL_MISSED
    print(f"Milestone 0 is reached on {platform_id()}: all {len(found)} are met.")
    return EXIT_OK


@task(help={"sidecar": SIDECAR_HELP})
@edge
def recommend(c: Context, sidecar: str = HELLO) -> int:
    """Say what to ship for this sidecar, what to fall back to, and why."""
    from decision import evidence
    from decision.recommend import standings, wording
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingBuildError
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    found = standings.answer(known)
    if not found.standings:
        raise MissingBuildError(
            "No variant has been launched often enough to choose from.",
            try_next=f"invoke bench{known.sidecar.option}",
        )
    say_origin(known)
    print(wording.render(found))
    return EXIT_OK if found.variant else EXIT_GOAL_MISSED


@task(
    help={
        "check": "change nothing; show what is stale or was edited by hand, and exit 1 if any is",
        "sidecar": SIDECAR_HELP,
        "output": "the record to write (default: decision-record.md)",
    }
)
@edge
def adr(c: Context, check: bool = False, sidecar: str = HELLO, output: str = "") -> int:
    """Write record, reports and README from the evidence, or check them."""
    from commands import listing
    from decision import evidence
    from decision.record import documents
    from spike.core.workspace import TOOL
    from spike.project import sidecar as sidecars

    known = evidence.gather(sidecars.load(sidecar))
    say_origin(known)
    root = known.sidecar.workspace.root
    # The list of commands is the tool's own document: a project that only uses it has none.
    tool = root == TOOL and known.sidecar.is_hello and not output
    extra = {root.joinpath(*listing.PLACE): listing.document()} if tool else {}
    found = documents.of(known, output=output, extra=extra)
    if not check:
        print(documents.told(found.write()))
        return 0
    complaints = found.check()
    for complaint in [*complaints, *known.problems]:
        print(complaint)
    if complaints or known.problems:
        print(
            f"not what the evidence says; written anew by: invoke adr{known.sidecar.option}"
            + (f" --output {output}" if output else "")
        )
        return 1
    print("record, reports and README are what the evidence says")
    return 0


@task(
    help={
        "format": "json or markdown (default markdown)",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def report(c: Context, format: str = "markdown", sidecar: str = HELLO) -> None:  # noqa: A002 - the option's name
    """Print everything known as one document."""
    import json

    from decision import evidence
    from decision import report as document
    from spike.core.errors import UsageError
    from spike.project import sidecar as sidecars

    if format not in ("json", "markdown"):
        raise UsageError(
            f"There is no format {format!r}.",
            why="Known are json and markdown.",
            try_next="--format json",
        )
    known = evidence.gather(sidecars.load(sidecar))
    if format == "json":
        print(json.dumps(document.as_json(known), indent=1))
    else:
        print(document.as_markdown(known), end="")
