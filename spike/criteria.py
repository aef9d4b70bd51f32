"""The plan's rules: fallback criteria F1 to F4, contingency steps K1 to K6, exit criteria M1 to M6.

Pure: each rule is a function from the evidence to a verdict with its reasons. "Not run" is a
verdict of its own: what was not tried is neither met nor not met, and no decision rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from benchmarks import complexity, reliability, size
from spike import encountered, plan
from spike.evidence import Evidence, usable
from spike.issue_log import Entry
from spike.tables import megabytes, milliseconds, percent

NUITKA: Final = "nuitka"
PYINSTALLER: Final = "pyinstaller"
TITLES: Final[Mapping[str, str]] = {NUITKA: "Nuitka", PYINSTALLER: "PyInstaller"}
"""The plan's two options, as a record names them."""

CHECKLIST: Final = encountered.CHECKLIST
FALLBACK: Final = "fallback"
FOLLOW_UP: Final = "revisit-nuitka"
"""Fingerprint of the entry that step K6 opens."""

TAURI_ROWS: Final = ("A1", "A2", "A3", "B1", "B2", "B3", "E1", "E2", "E3")
"""M2: configured, packaged, launched with arguments, held, stopped and launched again."""

READY_ROWS: Final = ("C1", "C2", "C3")
FAILURE_ROWS: Final = ("C4", "D1", "D2", "D3", "D4")
"""M4: missing binary, crash before READY, timeout, with what the user is shown."""


class Verdict(StrEnum):
    """What a rule says. The last three are of contingency steps."""

    MET = "met"
    NOT_MET = "not met"
    NOT_RUN = "not run"
    DONE = "done"
    OPEN = "open"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """One rule's verdict.

    Attributes:
        id: The row, such as ``F3``.
        text: The plan's own words.
        verdict: What the rule says.
        evidence: Why, in sentences; never empty.
        next_command: What to run or to do to get further; empty when nothing is open.
    """

    id: str
    text: str
    verdict: Verdict
    evidence: str
    next_command: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What the rules propose; a human decides.

    Attributes:
        packager: ``nuitka`` or ``pyinstaller``; empty when the rules cannot say yet.
        reason: Why, in sentences.
    """

    packager: str
    reason: str


# ------------------------------------------------------------------------- F: fallback criteria


def fallback_criteria(evidence: Evidence) -> tuple[Ruling, ...]:
    """F1 to F4 about Nuitka, in the plan's order."""
    return (
        _f1(evidence),
        _f2(evidence),
        _f3(evidence),
        _f4(evidence),
    )


def _about_nuitka(evidence: Evidence) -> list[Entry]:
    return [entry for entry in evidence.issues if entry.about == NUITKA]


def _tried(evidence: Evidence) -> bool:
    """Whether Nuitka was built here, or the attempt is in the log."""
    return any(name.startswith(f"{NUITKA}-") for name in evidence.builds) or any(
        entry.topic == "build" for entry in _about_nuitka(evidence)
    )


def _untried(row: str, evidence: Evidence) -> Ruling:
    return Ruling(
        id=row,
        text=plan.FALLBACK_CRITERIA[row],
        verdict=Verdict.NOT_RUN,
        evidence="No Nuitka build has been tried.",
        next_command=evidence.sidecar.nox_command(NUITKA),
    )


def _f1(evidence: Evidence) -> Ruling:
    """A blocker about the build that is still open after the plan's number of debug sessions."""
    if not _tried(evidence):
        return _untried("F1", evidence)
    blockers = [
        entry
        for entry in _about_nuitka(evidence)
        if entry.is_open and entry.severity == "blocker" and entry.topic == "build"
    ]
    persisting = [
        entry for entry in blockers if (entry.debug_sessions or 0) >= plan.MAX_DEBUG_SESSIONS
    ]
    said = [
        f"{_named(entry)}: {entry.debug_sessions or 0} of {plan.MAX_DEBUG_SESSIONS} focused debug "
        "sessions held."
        for entry in blockers
    ]
    return Ruling(
        id="F1",
        text=plan.FALLBACK_CRITERIA["F1"],
        verdict=Verdict.MET if persisting else Verdict.NOT_MET,
        evidence=" ".join(said) or "No blocker about a Nuitka build is open in the issue log.",
        next_command=""
        if persisting or not blockers
        else f"hold a debug session and count it in “Debug sessions” of issue {blockers[0].id}",
    )


def _f2(evidence: Evidence) -> Ruling:
    """A launch problem that is still open although there is a minimal case."""
    if not _tried(evidence):
        return _untried("F2", evidence)
    unstable = [
        entry for entry in _about_nuitka(evidence) if entry.is_open and entry.topic == "launch"
    ]
    reproducible = [entry for entry in unstable if entry.minimal_reproduction]
    said = [
        f"{_named(entry)}: minimal case {entry.minimal_reproduction or 'not made yet'}."
        for entry in unstable
    ]
    return Ruling(
        id="F2",
        text=plan.FALLBACK_CRITERIA["F2"],
        verdict=Verdict.MET if reproducible else Verdict.NOT_MET,
        evidence=" ".join(said) or "No launch problem of Nuitka is open in the issue log.",
        next_command=""
        if reproducible or not unstable
        else f"make a minimal case and name it in “Minimal reproduction” of issue {unstable[0].id}",
    )


def _f3(evidence: Evidence) -> Ruling:
    """The plan's variant fails in more than a tenth of at least twenty launches."""
    variant = plan.PLAN_VARIANTS[0]
    counted = _launches(evidence, variant)
    text = plan.FALLBACK_CRITERIA["F3"]
    command = f"invoke bench --launches {plan.TARGET_LAUNCHES}{evidence.sidecar.option}"
    if counted is None:
        return Ruling(
            id="F3",
            text=text,
            verdict=Verdict.NOT_RUN,
            evidence=f"There is no current reliability result of {variant}.",
            next_command=command,
        )
    said = (
        f"{variant}: {counted.failed} of {counted.launches} launches failed "
        f"({percent(counted.rate)}; 95 % interval {percent(counted.rate_low)} to "
        f"{percent(counted.rate_high)})"
    )
    if counted.launches < plan.TARGET_LAUNCHES:
        return Ruling(
            id="F3",
            text=text,
            verdict=Verdict.NOT_RUN,
            evidence=f"{said}; fewer than {plan.TARGET_LAUNCHES} launches decide nothing.",
            next_command=command,
        )
    # In whole launches, so that a tenth of any number is exactly a tenth.
    missed = counted.failed > plan.MAX_FAILED_RATE * counted.launches + 1e-9
    return Ruling(
        id="F3",
        text=text,
        verdict=Verdict.MET if missed else Verdict.NOT_MET,
        evidence=f"{said}; the limit is {percent(plan.MAX_FAILED_RATE)}.",
    )


def _f4(evidence: Evidence) -> Ruling:
    """More working days lost than the plan allows, summed over the log's entries about Nuitka."""
    if not _tried(evidence):
        return _untried("F4", evidence)
    entries = [entry for entry in _about_nuitka(evidence) if entry.working_days_lost is not None]
    days = sum(entry.working_days_lost or 0.0 for entry in entries)
    of = f" in {', '.join(entry.id for entry in entries)}" if entries else ""
    return Ruling(
        id="F4",
        text=plan.FALLBACK_CRITERIA["F4"],
        verdict=Verdict.MET if days > plan.MAX_WORKING_DAYS_LOST else Verdict.NOT_MET,
        evidence=f"{days:g} working days are recorded as lost to Nuitka{of}; the limit is "
        f"{plan.MAX_WORKING_DAYS_LOST:g}.",
    )


def _named(entry: Entry) -> str:
    return f"Issue {entry.id} ({entry.title})"


def _launches(evidence: Evidence, variant: str) -> reliability.Summary | None:
    result = usable(evidence, reliability.NAME)
    if result is None:
        return None
    return next((item for item in reliability.summarise(result) if item.subject == variant), None)


def proposal(evidence: Evidence) -> Proposal:
    """Nuitka, unless a fallback criterion is met; nothing while one has not been run."""
    rulings = fallback_criteria(evidence)
    met = [ruling for ruling in rulings if ruling.verdict is Verdict.MET]
    unknown = [ruling for ruling in rulings if ruling.verdict is Verdict.NOT_RUN]
    if met:
        ids = ", ".join(ruling.id for ruling in met)
        return Proposal(
            packager=PYINSTALLER,
            reason=f"{ids} {'is' if len(met) == 1 else 'are'} met. "
            + " ".join(ruling.evidence for ruling in met),
        )
    if unknown:
        ids = ", ".join(ruling.id for ruling in unknown)
        return Proposal(
            packager="", reason=f"{ids} {'is' if len(unknown) == 1 else 'are'} not run."
        )
    return Proposal(packager=NUITKA, reason="None of the fallback criteria F1 to F4 is met.")


# ------------------------------------------------------------------------------ the human outcome


def outcome_problems(evidence: Evidence) -> list[str]:
    """Say where the outcome named in the record contradicts the rules; empty when it does not."""
    if not evidence.outcome:
        return []
    named = packager_of(evidence.outcome)
    if not named:
        return [
            f"the outcome is {evidence.outcome!r}, which is none of the plan's options: "
            + ", ".join(TITLES.values())
        ]
    proposed = proposal(evidence)
    if not proposed.packager:
        return [
            f"the outcome is {TITLES[named]}, and the rules cannot confirm it: {proposed.reason}"
        ]
    if named != proposed.packager:
        return [
            f"the outcome is {TITLES[named]}, and the rules propose "
            f"{TITLES[proposed.packager]}: {proposed.reason}"
        ]
    return []


def packager_of(option: str) -> str:
    """The packager that an option's title means; empty for none of the plan's two."""
    words = option.lower()
    found = [name for name in TITLES if words.startswith(name)]
    return found[0] if found else ""


def candidate(evidence: Evidence) -> str:
    """The packager that M1 to M6 are about: the outcome, else the proposal, else Nuitka."""
    return packager_of(evidence.outcome) or proposal(evidence).packager or NUITKA


def plan_variant(packager: str) -> str:
    """The variant that the plan builds with a packager."""
    return f"{packager}-onefile"


# ---------------------------------------------------------------------------- M: exit criteria


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
    text = plan.EXIT_CRITERIA["M1"]
    packager = variant.partition("-")[0]
    build = evidence.builds.get(variant)
    counted = _launches(evidence, variant)
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
        text=plan.EXIT_CRITERIA[id_],
        verdict=verdict,
        evidence=said,
        next_command=""
        if verdict is Verdict.MET
        else f"invoke verify --variant {variant}{evidence.sidecar.option}",
    )


def _m5(evidence: Evidence) -> Ruling:
    """Every problem that the evidence shows is in the log, and every entry is filled in."""
    known = {entry.fingerprint for entry in evidence.issues if entry.fingerprint}
    met = encountered.in_evidence(evidence)
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
        text=plan.EXIT_CRITERIA["M5"],
        verdict=Verdict.NOT_MET if missing or unfilled else Verdict.MET,
        evidence=" ".join(said),
        next_command=f"invoke issue --draft{evidence.sidecar.option}"
        if missing
        else f"fill in {', '.join(entry.id for entry in unfilled)}"
        if unfilled
        else "",
    )


def _m6(evidence: Evidence) -> Ruling:
    text = plan.EXIT_CRITERIA["M6"]
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


# ------------------------------------------------------------------------- K: contingency steps


def contingency_steps(evidence: Evidence) -> tuple[Ruling, ...]:
    """K1 to K6, in the plan's order: what `invoke fallback` has done and what is left to do."""
    return (
        _k1(evidence),
        _k2(evidence),
        _k3(evidence),
        _k4(evidence),
        _k5(evidence),
        _k6(evidence),
    )


def _step(id_: str, verdict: Verdict, said: str, next_command: str = "") -> Ruling:
    return Ruling(
        id=id_,
        text=plan.CONTINGENCY_STEPS[id_],
        verdict=verdict,
        evidence=said,
        next_command=next_command,
    )


def _fallback(evidence: Evidence) -> str:
    return f"invoke fallback{evidence.sidecar.option}"


def _k1(evidence: Evidence) -> Ruling:
    result = evidence.result(FALLBACK)
    frozen = [sample for sample in result.samples if sample["step"] == "K1"] if result else []
    if not frozen:
        return _step("K1", Verdict.NOT_RUN, "Nothing has been frozen.", _fallback(evidence))
    if evidence.frozen_problem:
        return _step("K1", Verdict.NOT_MET, evidence.frozen_problem, _fallback(evidence))
    last = frozen[-1]
    return _step(
        "K1",
        Verdict.DONE,
        f"{last['files']} files in {last['folder']}, checksums in SHA256SUMS "
        f"(sha256 {str(last['sha256'])[:12]}).",
    )


def _k2(evidence: Evidence) -> Ruling:
    variant = plan.PLAN_VARIANTS[1]
    build = evidence.builds.get(variant)
    if build is None:
        return _step("K2", Verdict.NOT_RUN, f"{variant} is not built.", _fallback(evidence))
    return _step(
        "K2",
        Verdict.DONE,
        f"{build['artifact']} by {build['packager']} {build['packager_version']}, sha256 "
        f"{str(build['sha256'])[:12]}.",
    )


def _k3(evidence: Evidence) -> Ruling:
    variant = plan.PLAN_VARIANTS[1]
    rows = checklist_rows(evidence, variant)
    command = f"invoke verify --variant {variant}{evidence.sidecar.option}"
    status = {row: str(rows[row]["status"]) if row in rows else "not run" for row in plan.CHECKLIST}
    counts = {
        name: sum(found == name for found in status.values())
        for name in ("pass", "fail", "not run")
    }
    said = f"{variant}: " + ", ".join(
        f"{count} rows {name}" for name, count in counts.items() if count
    )
    if counts["not run"]:
        return _step("K3", Verdict.NOT_RUN, f"{said}.", command)
    return _step("K3", Verdict.DONE, f"{said}; the same rows by the same command as for Nuitka.")


COMPARED: Final = ("startup latency", "binary size", "launch reliability", "integration complexity")
"""Section 4, step 4: the four things that are compared side by side."""


def side_by_side(evidence: Evidence) -> dict[str, dict[str, str]]:
    """The four things of step K4, each by plan variant; what was not measured is left out."""
    compared: dict[str, dict[str, str]] = {name: {} for name in COMPARED}
    for variant in plan.PLAN_VARIANTS:
        counted = _launches(evidence, variant)
        if counted is not None:
            compared["startup latency"][variant] = (
                f"{milliseconds(counted.ready_ms)} median, "
                f"{milliseconds(counted.ready_max_ms)} at most, launch to READY"
            )
            compared["launch reliability"][variant] = (
                f"{counted.failed} of {counted.launches} failed "
                f"({percent(counted.rate_low)} to {percent(counted.rate_high)})"
            )
        for sample in _samples(evidence, size.NAME, variant):
            compared["binary size"][variant] = megabytes(sample["shipped_bytes"])
        for sample in _samples(evidence, complexity.NAME, variant):
            signals = [
                complexity.arrival(name, seen) == "yes" for name, seen in sample["signals"].items()
            ]
            compared["integration complexity"][variant] = (
                f"{len(sample['config'])} configuration lines, {sample['processes']} processes, "
                f"{sum(signals)} of {len(signals)} signals arrive, left after SIGKILL: "
                + complexity.leftovers(sample["after_kill"])
            )
    return compared


def _samples(evidence: Evidence, benchmark: str, variant: str) -> list[Mapping[str, Any]]:
    result = usable(evidence, benchmark)
    return [] if result is None else result.of(variant)


def _k4(evidence: Evidence) -> Ruling:
    compared = side_by_side(evidence)
    # A Nuitka that does not build has nothing to compare; the fallback's column is what counts.
    lacking = [name for name in COMPARED if plan.PLAN_VARIANTS[1] not in compared[name]]
    if lacking:
        return _step(
            "K4", Verdict.NOT_RUN, f"Not measured: {', '.join(lacking)}.", _fallback(evidence)
        )
    said = [
        f"{name}: " + "; ".join(f"{variant} {text}" for variant, text in compared[name].items())
        for name in COMPARED
    ]
    return _step("K4", Verdict.DONE, ". ".join(said) + ".")


def _k5(evidence: Evidence) -> Ruling:
    proposed = proposal(evidence)
    title = TITLES.get(proposed.packager, "nothing yet")
    said = f"The rules propose {title}: {proposed.reason}"
    if not evidence.outcome:
        return _step(
            "K5",
            Verdict.OPEN,
            f"{said} The record names no outcome.",
            "write 'Chosen option: \"…\", because …' under “Decision Outcome” of the record",
        )
    problems = outcome_problems(evidence)
    if problems:
        return _step(
            "K5",
            Verdict.OPEN,
            " ".join([said, *(f"{text[0].upper()}{text[1:]}." for text in problems)]),
            f"invoke adr --check{evidence.sidecar.option}",
        )
    return _step("K5", Verdict.DONE, f"{said} The record names it as the outcome.")


def _k6(evidence: Evidence) -> Ruling:
    follow_up = [entry for entry in evidence.issues if entry.fingerprint == FOLLOW_UP]
    if candidate(evidence) != PYINSTALLER:
        return _step("K6", Verdict.NOT_NEEDED, "PyInstaller is not selected.")
    if not follow_up:
        return _step("K6", Verdict.OPEN, "There is no follow-up entry.", _fallback(evidence))
    return _step("K6", Verdict.DONE, f"{_named(follow_up[-1])} is {follow_up[-1].status}.")


def all_rulings(evidence: Evidence) -> tuple[Ruling, ...]:
    """F1 to F4, K1 to K6, M1 to M6."""
    return (
        *fallback_criteria(evidence),
        *contingency_steps(evidence),
        *exit_criteria(evidence),
    )
