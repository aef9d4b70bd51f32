"""The issue log."""

from __future__ import annotations

from invoke.context import Context

from commands.edge import HELLO, SIDECAR_HELP, edge
from commands.task import task


@task(
    help={
        "title": "start an entry with this title; what the tool knows is filled in",
        "severity": "blocker, high, medium or low (default medium)",
        "list": "show every entry; a malformed one is an error",
        "draft": "draft an entry for each problem in the results that has none",
        "reproduce": "run the command of this entry (its id, or all): exit 0 when it reproduces",
        "sidecar": SIDECAR_HELP,
    }
)
@edge
def issue(
    c: Context,
    title: str = "",
    severity: str = "medium",
    list: bool = False,  # noqa: A002 - the option's name
    draft: bool = False,
    reproduce: str = "",
    sidecar: str = HELLO,
) -> int:
    """Start, list or reproduce entries of the issue log."""
    from decision.workflows import issues
    from spike.core.errors import UsageError
    from spike.project import sidecar as sidecars

    what = sidecars.load(sidecar)
    asked = [bool(title), list, draft, bool(reproduce)]
    if sum(asked) != 1:
        raise UsageError(
            "invoke issue does one thing at a time.",
            why="It takes one of --title, --list, --draft and --reproduce.",
            try_next="invoke issue --list",
        )
    if title:
        return issues.start(what, title, severity)
    if draft:
        return issues.draft(what)
    return issues.reproduce(what, reproduce) if reproduce else issues.show(what)
