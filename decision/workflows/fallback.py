"""The contingency steps K1 to K6 of the plan's section 4, as one command.

It can be exercised at any time: whether PyInstaller is then chosen is for the rules to propose and
for people to decide. Nothing that was found is overwritten: step K1 copies it first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks import registry
from decision import criteria, evidence, snapshot
from decision.criteria import Verdict
from decision.record import documents, sections
from decision.workflows import spike
from spike import issue_log
from spike.build import buildinfo, sessions
from spike.core import logged, process, requirements
from spike.core.errors import EXIT_CANNOT, EXIT_GOAL_MISSED, EXIT_OK
from spike.core.workspace import display_path
from spike.measure import provenance, results
from spike.project.sidecar import Sidecar

NAME: Final = criteria.FALLBACK
SUBJECT: Final = "fallback"
NUITKA_VARIANT, PYINSTALLER_VARIANT = requirements.PLAN_VARIANTS


@dataclass(frozen=True, kw_only=True)
class Step:
    """One contingency step.

    Attributes:
        id: ``K1`` to ``K6``.
        does: What it does, for ``--dry-run``.
        run: Does it, and returns what the result file keeps.
    """

    id: str
    does: str
    run: Callable[[Sidecar], Mapping[str, Any]]


def steps(sidecar: Sidecar) -> tuple[Step, ...]:
    """The plan's six steps for a sidecar, in its order."""
    return (
        Step(
            id="K1",
            does=f"copy results, build facts and issue log into a new archive below "
            f"{display_path(sidecar.workspace.snapshots)}/",
            run=freeze,
        ),
        Step(id="K2", does=sidecar.nox_command("pyinstaller", "onefile"), run=build),
        Step(id="K3", does=process.shown(_verify(sidecar)[2:]), run=verify),
        Step(
            id="K4",
            does="measure what is not up to date: " + ", ".join(criteria.COMPARED),
            run=compare,
        ),
        Step(
            id="K5",
            does=f"write the rules' proposal and its reasons into "
            f"{display_path(sidecar.workspace.record)}; the outcome is for people to write",
            run=propose,
        ),
        Step(
            id="K6",
            does="open the issue “Revisit Nuitka after Milestone 0” when PyInstaller is selected",
            run=follow_up,
        ),
    )


def describe(sidecar: Sidecar) -> str:
    """What :func:`run` would do, a line each; nothing is done."""
    lines = []
    for step in steps(sidecar):
        lines += [f"{step.id}  {requirements.CONTINGENCY_STEPS[step.id]}", f"    {step.does}"]
    return "\n".join(lines)


def run(sidecar: Sidecar, *, with_host: bool = True) -> int:
    """Carry the steps out, in order.

    Args:
        sidecar: What is packaged.
        with_host: Whether to run the checklist; without it K3 stays "not run".

    Returns:
        0 when every step is done or not needed; 1 when people have to decide, or the checklist
        has rows that fail; 2 when the checklist could not be run.

    Raises:
        SpikeError: A step could not be done; what the steps before it did is kept.
    """
    with results.Recorder(
        NAME,
        sidecar,
        targets={SUBJECT: {"kind": "procedure"}},
        settings={"steps": list(requirements.CONTINGENCY_STEPS)},
        provenance=provenance.collect(),
    ) as recorder:
        for step in steps(sidecar):
            spike.headline(f"{step.id} {requirements.CONTINGENCY_STEPS[step.id]}")
            if step.id == "K3" and not with_host:
                print("left out: --no-host")  # noqa: T201 - progress of a command
                continue
            kept = step.run(sidecar)
            recorder.add(SUBJECT, {"step": step.id, **kept})
    known = evidence.gather(sidecar)
    documents.gathered(sidecar).write()
    found = criteria.contingency_steps(known)
    print(f"\n{sections.rulings(found)}")  # noqa: T201 - the command's answer
    if any(ruling.verdict is Verdict.NOT_RUN for ruling in found):
        return EXIT_CANNOT
    failed = "fail" in criteria.verified_rows(known).values()
    undone = any(ruling.verdict in (Verdict.OPEN, Verdict.NOT_MET) for ruling in found)
    return EXIT_GOAL_MISSED if failed or undone else EXIT_OK


def freeze(sidecar: Sidecar) -> Mapping[str, Any]:
    """K1: copy everything that is known, before anything is built or measured anew."""
    workspace = sidecar.workspace
    files: dict[str, Path] = {}
    for path in results.files(workspace.results).values():
        files[f"results/{path.name}"] = path
    for path in workspace.issues.glob("*.md"):
        files[f"issues/{path.name}"] = path
    for path in workspace.dist.glob(f"*/{buildinfo.FILE_NAME}"):
        files[f"builds/{path.parent.name}/{path.name}"] = path
    for path in workspace.build.glob("*/failure.json"):
        files[f"failures/{path.parent.name}/{path.name}"] = path
        log = path.with_name("build.log")
        if log.exists():
            files[f"failures/{path.parent.name}/{log.name}"] = log
    files["record.md"] = sidecar.workspace.record
    files = {name: path for name, path in files.items() if path.is_file()}
    archive = snapshot.freeze(workspace.snapshots, files)
    print(f"{len(files)} files: {display_path(archive)}")  # noqa: T201 - progress of a command
    return {
        "snapshot": archive.relative_to(workspace.root).as_posix(),
        "files": len(files),
        "sha256": buildinfo.file_sha256(archive),
    }


def build(sidecar: Sidecar) -> Mapping[str, Any]:
    """K2: the plan's one-file PyInstaller build, through its Nox session.

    Raises:
        BuildFailedError: It did not build; its own output has said why.
    """
    done = sessions.build(
        sidecar,
        ["pyinstaller"],
        mode="onefile",
        why="With Nuitka and its fallback out, the plan has no packager left.",
    )
    return {"command": sidecar.nox_command("pyinstaller", "onefile"), "elapsed_s": done.elapsed_s}


def _verify(sidecar: Sidecar) -> list[str]:
    option = [] if sidecar.is_own else ["--sidecar", str(sidecar.folder)]
    argv = [sys.executable, "-m", "invoke", "verify", "--variant", PYINSTALLER_VARIANT]
    return [*argv, *option]


def verify(sidecar: Sidecar) -> Mapping[str, Any]:
    """K3: the checklist by the command that ran it for Nuitka; the rows' verdicts are kept.

    Raises:
        CorruptFileError: The checklist's result is damaged.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    command = process.shown(_verify(sidecar)[2:])
    log = sidecar.workspace.root / "build" / "verify.log"
    done = logged.run(_verify(sidecar), log_path=log, cwd=sidecar.workspace.root)
    path = results.partial_path(registry.CHECKLIST, sidecar, [PYINSTALLER_VARIANT])
    found = results.load_file(path, remedy=command)
    if found is None or not found.complete or str(found.provenance["at"]) < started:
        # Without the host's libraries the rows are "not run", which is no reason to stop here.
        print("the checklist could not be run: its rows stay not run")  # noqa: T201
        return {"command": command, "exit_code": done.exit_code, "rows": {}}
    return {
        "command": command,
        "exit_code": done.exit_code,
        "sha256": found.targets[PYINSTALLER_VARIANT]["sha256"],
        "rows": {
            str(sample["row"]): str(sample["status"]) for sample in found.of(PYINSTALLER_VARIANT)
        },
    }


def compare(sidecar: Sidecar) -> Mapping[str, Any]:
    """K4: measure what is not up to date, and show the four things side by side."""
    spike.measure(
        sidecar,
        spike.Settings(launches=requirements.TARGET_LAUNCHES, with_host=False, force=False),
        only=criteria.COMPARED_BY,
    )
    print(f"\n{sections.compared(evidence.gather(sidecar))}")  # noqa: T201 - the command's answer
    return {"compared": list(criteria.COMPARED)}


def propose(sidecar: Sidecar) -> Mapping[str, Any]:
    """K5: the rules' proposal with its reasons; the record is written when all steps are done."""
    found = criteria.proposal(evidence.gather(sidecar))
    title = criteria.TITLES.get(found.packager, "nothing yet")
    print(f"The rules propose {title}: {found.reason}")  # noqa: T201 - the command's answer
    return {"proposal": found.packager, "reason": found.reason}


def follow_up(sidecar: Sidecar) -> Mapping[str, Any]:
    """K6: the entry that brings Nuitka back on the table, when PyInstaller is selected."""
    known = evidence.gather(sidecar)
    if criteria.candidate(known) != criteria.PYINSTALLER:
        print("not needed: PyInstaller is not selected")  # noqa: T201 - progress of a command
        return {"issue": ""}
    written = issue_log.draft(sidecar.workspace.issues, revisit(known))
    if written is not None and written.path is not None:
        print(f"opened {display_path(written.path)}")  # noqa: T201 - progress of a command
        return {"issue": written.id}
    there = [entry for entry in known.issues if entry.fingerprint == criteria.FOLLOW_UP]
    print(f"open already: {', '.join(entry.id for entry in there)}")  # noqa: T201
    return {"issue": there[-1].id if there else ""}


def revisit(known: evidence.Evidence) -> issue_log.Entry:
    """The follow-up entry: why Nuitka was left, and what would bring it back."""
    found = criteria.proposal(known)
    sidecar = known.sidecar
    facts = known.builds.get(NUITKA_VARIANT) or next(
        (item for item in known.failures if item["packager"] == "nuitka"), {}
    )
    again = sidecar.nox_command("nuitka", "onefile")
    return replace(
        issue_log.blank(
            "Revisit Nuitka after Milestone 0",
            issue_log.Surroundings(
                python=str(facts.get("python_version", "")),
                nuitka=str(facts.get("packager_version", "")),
                tauri=issue_log.tauri_version() or issue_log.NOT_INVOLVED,
                build_command=str(facts.get("command") or process.shown(facts.get("argv", ()))),
                launch_command=str(facts.get("artifact", "")),
            ),
            severity="medium",
        ),
        reporter="invoke fallback",
        symptoms=f"PyInstaller is the temporary packager of {sidecar.name} for Milestone 0. "
        f"{found.reason}",
        reproduction=f"1. Run `{again}`.\n2. Run `invoke status{sidecar.option}`.",
        expected="None of F1 to F4 is met.",
        actual=found.reason or "PyInstaller was chosen.",
        excerpt=str(facts.get("tail", "")) or "(none)",
        exit_code=str(facts.get("exit_code", "none")),
        suspected_cause="See the entries that the reasons name.",
        resolution="PyInstaller until this entry is closed.",
        follow_up=f"- [ ] Run `{again} --force` with the next release of Nuitka.\n"
        f"- [ ] Run `invoke fallback{sidecar.option}` again and compare.",
        kind="follow-up",
        packager="nuitka",
        variant=NUITKA_VARIANT,
        fingerprint=criteria.FOLLOW_UP,
    )
