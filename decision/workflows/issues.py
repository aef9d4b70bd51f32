"""What ``invoke issue`` does: start, list, draft and reproduce entries of the issue log."""

from __future__ import annotations

import dataclasses
import shlex
import sys

from decision import drafts, evidence
from decision.record import sections
from spike import issue_log
from spike.build import buildinfo
from spike.core import jsonfile, process
from spike.core.errors import EXIT_CANNOT, EXIT_GOAL_MISSED, EXIT_OK, UsageError
from spike.core.workspace import display_path, project, tool_environment
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar

REPRODUCE_TIMEOUT_S = 900.0
"""A minimal case may have to be built first."""


def surroundings(sidecar: Sidecar) -> issue_log.Surroundings:
    """What the builds that are there, failed ones included, say about themselves.

    Raises:
        CorruptFileError: A ``build.json`` or ``failure.json`` is damaged.
    """
    infos = []
    for variant in VARIANTS.values():
        path = variant.folder(sidecar) / buildinfo.FILE_NAME
        try:
            infos.append(dataclasses.asdict(buildinfo.read(path, remedy="the build again")))
        except FileNotFoundError:
            continue
    failures = [
        jsonfile.read(path, schema=1, remedy="the build again")
        for path in sidecar.workspace.build.glob("*/failure.json")
    ]
    return issue_log.surroundings(infos, failures)


def start(sidecar: Sidecar, title: str, severity: str) -> int:
    """Start an entry by hand.

    Raises:
        UsageError: The title or the severity is not usable.
        StorageError: It cannot be written.
    """
    entry = issue_log.blank(title, surroundings(sidecar), severity=severity)
    written = issue_log.add(sidecar.workspace.issues, entry)
    assert written.path is not None
    print(f"started {display_path(written.path)}")  # noqa: T201 - the command's answer
    print(f"still to be filled in: {', '.join(written.unfilled)}")  # noqa: T201
    return EXIT_OK


def show(sidecar: Sidecar) -> int:
    """List the log.

    Raises:
        IssueLogError: An entry is malformed.
    """
    known = evidence.gather(sidecar)
    print(sections.issues(known))  # noqa: T201 - the command's answer
    for entry in known.issues:
        if entry.unfilled:
            print(f"{entry.id} is not filled in: {', '.join(entry.unfilled)}")  # noqa: T201
    return EXIT_OK


def draft(sidecar: Sidecar) -> int:
    """Draft what failed builds and current results show and the log has not."""
    written = drafts.log(drafts.in_evidence(evidence.gather(sidecar)), sidecar)
    if not written:
        print("nothing to draft: every problem in the results has its entry")  # noqa: T201
    return EXIT_OK


def reproduce(sidecar: Sidecar, wanted: str) -> int:
    """Run the commands of entries.

    Args:
        sidecar: Whose log it is.
        wanted: An entry's id, or ``all``.

    Returns:
        0 when every command exits with 0, 1 when one does not reproduce, 2 when one cannot run.

    Raises:
        UsageError: There is no such entry, or it names no command.
    """
    entries = issue_log.load(sidecar.workspace.issues)
    chosen = [entry for entry in entries if entry.reproduce and (wanted in ("all", entry.id))]
    if not chosen:
        raise UsageError(
            f"No entry {wanted!r} names a command that reproduces it.",
            why="Those that do: "
            + (", ".join(entry.id for entry in entries if entry.reproduce) or "none")
            + ".",
            try_next="invoke issue --list",
        )
    codes = []
    for entry in chosen:
        done = run_command(entry)
        codes.append(done.exit_code)
        said = {0: "reproduces", 1: "does not reproduce"}.get(done.exit_code, "could not be run")
        print(f"{entry.id} {said}: {entry.reproduce}")  # noqa: T201 - the command's answer
        print((done.output + done.errors).rstrip())  # noqa: T201
    if all(code == 0 for code in codes):
        return EXIT_OK
    return EXIT_GOAL_MISSED if all(code in (0, 1) for code in codes) else EXIT_CANNOT


def run_command(entry: issue_log.Entry) -> process.Completed:
    """Run an entry's command in this checkout, with this Python.

    Raises:
        UsageError: The command is not one of the tool's.
    """
    argv = shlex.split(entry.reproduce)
    if argv[:1] == ["invoke"]:
        argv[:1] = [sys.executable, "-m", "invoke"]
    elif argv[:1] == ["python"]:
        argv[:1] = [sys.executable]
    else:
        raise UsageError(
            f"Issue {entry.id} reproduces by {entry.reproduce!r}.",
            why="The command has to begin with python or invoke, which work in every checkout.",
        )
    return process.capture(
        argv, env=tool_environment(), cwd=project(), timeout_s=REPRODUCE_TIMEOUT_S
    )
