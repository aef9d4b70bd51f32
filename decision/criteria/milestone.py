"""M1 to M6: whether Milestone 0 is reached on this platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.registry import CHECKLIST
from decision import drafts
from decision.criteria.decision import candidate, outcome_problems, packager_of, plan_variant
from decision.criteria.fallback import fallback_criteria, proposal
from decision.criteria.ruling import TITLES, Ruling, Verdict, launches_of
from decision.evidence import Evidence, usable
from spike.core import requirements
from spike.core.tables import megabytes

TAURI_ROWS: Final = ("A1", "A2", "A3", "B1", "B2", "B3", "E1", "E2", "E3")
"""M2: configured, packaged, launched with arguments, held, stopped and launched again."""

READY_ROWS: Final = ("C1", "C2", "C3")
FAILURE_ROWS: Final = ("C4", "D1", "D2", "D3", "D4")
"""M4: missing binary, crash before READY, timeout, with what the user is shown."""


def exit_criteria(evidence: Evidence) -> tuple[Ruling, ...]:
    """M1 to M6 for the candidate's variant, in the plan's order."""
    variant = plan_variant(candidate(evidence))
    return (
        _m1(evidence, variant),
        _rows_ruling(evidence, "M2", variant, TAURI_ROWS),
        _rows_ruling(evidence, "M3", variant, READY_ROWS),
        _rows_ruling(evidence, "M4", variant, FAILURE_ROWS),
        _m5(evidence),
        _m6(evidence),
    )


def _m1(evidence: Evidence, variant: str) -> Ruling:
    text = requirements.EXIT_CRITERIA["M1"]
    packager = variant.partition("-")[0]
    build = evidence.builds.get(variant)
    counted = launches_of(evidence, variant)
    good = counted.launches - counted.failed if counted else 0
    if build is None or counted is None or counted.launches == 0:
        return Ruling(
            id="M1",
            text=text,
            verdict=Verdict.NOT_RUN,
            evidence=f"There is no current build of {variant} that was launched.",
            next_command=f"{evidence.sidecar.nox_command(packager, 'onefile')}, then invoke bench"
            + evidence.sidecar.option,
        )
    said = (
        f"{build['artifact']} ({megabytes(build['size_bytes'])}, {build['platform']} "
        f"{build['arch']}, sha256 {str(build['sha256'])[:12]}): {good} of {counted.launches} "
        "launches were good"
    )
    return Ruling(
        id="M1",
        text=text,
        verdict=Verdict.MET if good else Verdict.NOT_MET,
        evidence=f"{said}.",
        next_command="" if good else f"invoke issue --list{evidence.sidecar.option}",
    )


def checklist_rows(evidence: Evidence, variant: str) -> dict[str, Mapping[str, Any]]:
    """The checklist's rows of a variant, by id; empty when it was not run on this binary."""
    result = usable(evidence, CHECKLIST)
    if result is None:
        return {}
    return {str(sample["row"]): sample for sample in result.of(variant)}


def _rows_ruling(evidence: Evidence, id_: str, variant: str, wanted: Sequence[str]) -> Ruling:
    rows = checklist_rows(evidence, variant)
    status = {row: str(rows[row]["status"]) if row in rows else "not run" for row in wanted}
    failed = [row for row, found in status.items() if found == "fail"]
    missing = [row for row, found in status.items() if found not in ("pass", "fail")]
    if failed:
        verdict, said = Verdict.NOT_MET, f"{variant}: {', '.join(failed)} failed."
    elif missing:
        verdict, said = Verdict.NOT_RUN, f"{variant}: {', '.join(missing)} not run."
    else:
        verdict, said = Verdict.MET, f"{variant}: {', '.join(wanted)} pass."
    return Ruling(
        id=id_,
        text=requirements.EXIT_CRITERIA[id_],
        verdict=verdict,
        evidence=said,
        next_command=""
        if verdict is Verdict.MET
        else f"invoke verify --variant {variant}{evidence.sidecar.option}",
    )


def _m5(evidence: Evidence) -> Ruling:
    """Every problem that the evidence shows is in the log, and every entry is filled in."""
    known = {entry.fingerprint for entry in evidence.issues if entry.fingerprint}
    met = drafts.in_evidence(evidence)
    missing = [entry.title for entry in met if entry.fingerprint not in known]
    unfilled = [entry for entry in evidence.issues if entry.unfilled]
    count = len(evidence.issues)
    still_open = sum(entry.is_open for entry in evidence.issues)
    said = [f"{count} entries, {still_open} of them open."]
    if missing:
        said.append(f"Not in the log: {'; '.join(missing)}.")
    if unfilled:
        said.append(f"Not filled in: {', '.join(entry.id for entry in unfilled)}.")
    if not missing and not unfilled:
        said.append("Every problem in the results has its entry.")
    return Ruling(
        id="M5",
        text=requirements.EXIT_CRITERIA["M5"],
        verdict=Verdict.NOT_MET if missing or unfilled else Verdict.MET,
        evidence=" ".join(said),
        next_command=f"invoke issue --draft{evidence.sidecar.option}"
        if missing
        else f"fill in {', '.join(entry.id for entry in unfilled)}"
        if unfilled
        else "",
    )


def _m6(evidence: Evidence) -> Ruling:
    text = requirements.EXIT_CRITERIA["M6"]
    if not evidence.outcome:
        proposed = proposal(evidence)
        title = TITLES.get(proposed.packager, "nothing yet")
        return Ruling(
            id="M6",
            text=text,
            verdict=Verdict.NOT_MET,
            evidence=f"The record names no outcome. The rules propose {title}: {proposed.reason}",
            next_command="write 'Chosen option: \"…\", because …' under “Decision Outcome” of the "
            "record"
            if proposed.packager
            else _next_of(fallback_criteria(evidence)),
        )
    problems = outcome_problems(evidence)
    if problems:
        return Ruling(
            id="M6",
            text=text,
            verdict=Verdict.NOT_MET,
            evidence=" ".join(f"{problem[0].upper()}{problem[1:]}" for problem in problems),
            next_command=f"invoke adr --check{evidence.sidecar.option}",
        )
    return Ruling(
        id="M6",
        text=text,
        verdict=Verdict.MET,
        evidence=f"The outcome is {TITLES[packager_of(evidence.outcome)]}, as the rules propose: "
        f"{proposal(evidence).reason}",
    )


def _next_of(rulings: Iterable[Ruling]) -> str:
    return next((ruling.next_command for ruling in rulings if ruling.next_command), "")
