"""Problems that the evidence shows, as drafts for the issue log: builds, launches, checklist rows.

A draft is written once: an open entry with the same fingerprint stands for all later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.registry import BENCHMARKS, CHECKLIST
from decision.evidence import Evidence, usable
from spike import issue_log
from spike.core import process, requirements
from spike.core.workspace import display_path
from spike.issue_log import Entry
from spike.measure.results import Result
from spike.project.sidecar import Sidecar


def in_evidence(evidence: Evidence) -> list[Entry]:
    """Drafts of everything that failed builds and current results show, each problem once."""
    drafts = [issue_log.from_build_failure(facts) for facts in evidence.failures]
    for benchmark in BENCHMARKS.values():
        result = usable(evidence, benchmark.name)
        if result is not None and benchmark.shows_problems:
            drafts += in_result(result, evidence.sidecar)
    return _once(drafts)


def in_result(result: Result, sidecar: Sidecar) -> list[Entry]:
    """Drafts of what one run shows: each kind of failed launch of a variant, each failed row."""
    drafts = []
    for variant, facts in result.targets.items():
        build = facts.get("build")
        if build is None:
            continue  # a baseline is not packaged
        samples = result.of(variant)
        if result.benchmark == CHECKLIST:
            drafts += [
                _row(sidecar, variant, build, sample)
                for sample in samples
                if sample["status"] == "fail"
            ]
            continue
        for kind in dict.fromkeys(sample.get("failure") for sample in samples):
            if kind is not None:
                failed = [sample for sample in samples if sample.get("failure") == kind]
                drafts.append(_launch(sidecar, variant, facts, failed, len(samples)))
    return _once(drafts)


def _once(drafts: Iterable[Entry]) -> list[Entry]:
    return list({entry.fingerprint: entry for entry in drafts}.values())


def _launch(
    sidecar: Sidecar,
    variant: str,
    facts: Mapping[str, Any],
    failed: list[Mapping[str, Any]],
    launches: int,
) -> Entry:
    build = facts["build"]
    return issue_log.from_failed_launch(
        sidecar=sidecar.name,
        variant=variant,
        packager=str(build["packager"]),
        packager_version=str(build["packager_version"]),
        python=str(build["python_version"]),
        build_command=process.shown(build["argv"], build["env"]),
        launch_command=process.shown(facts["argv"], sidecar.env),
        command=f"invoke bench --launches {launches} --variant {variant}{sidecar.option}",
        failed=len(failed),
        launches=launches,
        sample=failed[0],
    )


def _row(
    sidecar: Sidecar, variant: str, build: Mapping[str, Any], sample: Mapping[str, Any]
) -> Entry:
    packager, version = str(build["packager"]), str(build["packager_version"])
    return issue_log.from_checklist_row(
        sidecar=sidecar.name,
        variant=variant,
        row=str(sample["row"]),
        text=requirements.CHECKLIST[str(sample["row"])],
        evidence=str(sample["evidence"]),
        python=str(build["python_version"]),
        nuitka=version if packager == "nuitka" else issue_log.NOT_INVOLVED,
        tauri=issue_log.tauri_version() or issue_log.UNKNOWN,
        build_command=process.shown(build["argv"], build["env"]),
        launch_command=str(build["artifact"]),
    )


def offer(drafts: Sequence[Entry], sidecar: Sidecar, *, asked: bool) -> list[Path]:
    """Write drafts where they are wanted, which is when they are asked for, and say how elsewhere.

    Problems of the project's own sidecar belong into its log, so those are written unasked.

    Raises:
        StorageError: The log cannot be written.
    """
    if asked or sidecar.is_own:
        return log(drafts, sidecar)
    if drafts:
        problems = "1 problem is" if len(drafts) == 1 else f"{len(drafts)} problems are"
        print(f"issue log: {problems} not drafted; with --draft they are")  # noqa: T201
    return []


def log(drafts: Iterable[Entry], sidecar: Sidecar) -> list[Path]:
    """Write the drafts that are not in the log yet, say so, and return their files.

    Raises:
        StorageError: The log cannot be written.
    """
    written = []
    for entry in drafts:
        added = issue_log.draft(sidecar.workspace.issues, entry)
        if added is not None and added.path is not None:
            print(f"issue log: drafted {display_path(added.path)}")  # noqa: T201 - a command's word
            written.append(added.path)
    return written
