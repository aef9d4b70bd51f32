"""What the evidence says: verdicts, the recommendation, record and report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from commands.edge import HELLO, SIDECAR_HELP, edge, one_of, whole_number
from commands.task import task
from commands.words import WordsTask

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
    from decision.platforms import home
    from decision.record import documents
    from spike.core.workspace import TOOL
    from spike.project import sidecar as sidecars

    own = sidecars.load(sidecar)
    root = own.workspace.root
    # The list of commands is the tool's own document: a project that only uses it has none.
    tool = root == TOOL and own.is_hello and not output
    extra = {root.joinpath(*listing.PLACE): listing.document()} if tool else {}
    found = documents.gathered(own, output=output, extra=extra)
    known = found.facts.evidence
    say_origin(known)
    if said := home.left_out(known.sidecar):
        print(f"{said}\n")
    if not check:
        print(documents.told(found.write()))
        return 0
    complaints = found.check()
    for complaint in [*complaints, *found.problems]:
        print(complaint)
    if complaints or found.problems:
        print(
            f"not what the evidence says; written anew by: invoke adr{known.sidecar.option}"
            + (f" --output {output}" if output else "")
        )
        return 1
    print("record, reports and README are what the evidence says")
    return 0


@task(
    klass=WordsTask,
    positional=["folders"],
    help={
        "folders": "any number of folders of results, or of folders that hold such",
        "withdraw": "take the results of this platform out, such as linux-arm64-3.12",
        "sidecar": SIDECAR_HELP,
        "output": "the record that they are for (default: decision-record.md)",
    },
)
@edge
def merge(
    c: Context,
    folders: tuple[str, ...] = (),
    withdraw: str = "",
    sidecar: str = HELLO,
    output: str = "",
) -> int:
    """Take in the results of other machines, each checked and beside the others."""
    from pathlib import Path

    from decision.merging import keeping
    from spike.core.errors import EXIT_CANNOT, EXIT_OK, UsageError
    from spike.core.workspace import display_path
    from spike.project import sidecar as sidecars

    found = sidecars.load(sidecar)
    following = f"invoke adr{found.option}" + (f" --output {output}" if output else "")
    if bool(folders) == bool(withdraw):
        raise UsageError(
            "invoke merge takes folders of results, or --withdraw with a platform."
            if folders
            else "invoke merge was given no folder.",
            try_next=f"invoke merge DIR{found.option}, with the folder that a job handed over",
        )
    if withdraw:
        place = keeping.withdraw(withdraw, found, output)
        print(f"{withdraw}: withdrawn, {display_path(place)} is gone")
        print(f"written into record and reports by: {following}")
        return EXIT_OK
    merged = keeping.merge([Path(name).expanduser() for name in folders], found, output)
    for taken in merged.taken:
        print(taken)
    for refused in merged.refused:
        print(f"refused: {refused}")
    if any(taken.what != keeping.UNCHANGED for taken in merged.taken):
        print(f"written into record and reports by: {following}")
    return EXIT_CANNOT if merged.refused else EXIT_OK


@task(
    help={
        "sidecar": SIDECAR_HELP,
        "variant": "whose figures (default: what ships)",
        "platform": "of a platform that was merged in, such as linux-arm64-3.12",
        "check": "hold the newest run against [tool.sidecar.budget], and exit 1 if it is over",
        "commits": "how many commits are looked at, 1 to 1000 (default 50)",
        "picture": "draw READY over the runs into this SVG file",
    }
)
@edge
def history(
    c: Context,
    sidecar: str = HELLO,
    variant: str = "",
    platform: str = "",
    check: bool = False,
    commits: str = "50",
    picture: str = "",
) -> int:
    """Show the kept runs, a line each: what changed beyond the noise, and with which commit."""
    from pathlib import Path

    from decision import evidence
    from decision.history import changes, drawing, runs
    from decision.recommend import standings
    from spike.core import jsonfile
    from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, UsageError
    from spike.measure import platforms
    from spike.packagers import variant_named
    from spike.project import sidecar as sidecars

    own = sidecars.load(sidecar)
    most = whole_number(commits, "--commits", low=1, high=1000)
    there = platforms.merged(own)
    if platform and platform not in there:
        raise UsageError(
            f"No results of {platform!r} were merged in for {own.name}.",
            why=f"Merged in are: {', '.join(there) or 'none'}.",
            try_next=f"invoke history{own.option}",
        )
    if check and not own.budget:
        raise UsageError(
            f"{own.name} has no budget.",
            why="--check holds the newest run against [tool.sidecar.budget] in pyproject.toml.",
            try_next="budget = { ready_ms_ratio = 0.8, size_mb = 10, failures = 0 } there",
        )
    own = own.on(platform)
    name = variant_named(variant).id if variant else ""
    line = runs.read(own, most=most)
    name = name or standings.answer(evidence.gather(own)).variant
    if not line.runs or not name:
        raise UsageError(
            f"No run of {own.name} was kept, or none that anything can be shipped by.",
            try_next=f"invoke bench{own.option}",
        )
    print(f"{name} of {own.name} on {own.workspace.platform_name}\n")
    print(changes.render(line.runs, name))
    if line.unread:
        print(
            f"\n{len(line.unread)} older commits have results that this version does not read, the "
            f"newest {line.unread[-1]}"
        )
    if picture:
        jsonfile.write_text(Path(picture), drawing.svg(line.runs, name))
        print(f"\n{picture}: written")
    over = changes.exceeded(line.runs, name, own.budget)
    for item in over:
        print(f"\nover budget: {item.sentence}")
    if check and not over:
        print("\nwithin the budget")
    return EXIT_GOAL_MISSED if over and check else EXIT_OK


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
    from spike.project import sidecar as sidecars

    one_of(format, "--format", ("json", "markdown"))
    known = evidence.gather(sidecars.load(sidecar))
    if format == "json":
        print(json.dumps(document.as_json(known), indent=1))
    else:
        print(document.as_markdown(known), end="")
