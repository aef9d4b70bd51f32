"""F1 to F4: whether to switch from Nuitka to PyInstaller; and what that proposes."""

from __future__ import annotations

from dataclasses import dataclass

from decision.criteria.ruling import NUITKA, PYINSTALLER, Ruling, Verdict, launches_of, named
from decision.evidence import Evidence
from spike.core import requirements
from spike.core.tables import percent
from spike.issue_log import Entry


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What the rules propose; a human decides.

    Attributes:
        packager: ``nuitka`` or ``pyinstaller``; empty when the rules cannot say yet.
        reason: Why, in sentences.
    """

    packager: str
    reason: str


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
        text=requirements.FALLBACK_CRITERIA[row],
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
        entry
        for entry in blockers
        if (entry.debug_sessions or 0) >= requirements.MAX_DEBUG_SESSIONS
    ]
    said = [
        f"{named(entry)}: {entry.debug_sessions or 0} of {requirements.MAX_DEBUG_SESSIONS} "
        "focused debug sessions held."
        for entry in blockers
    ]
    return Ruling(
        id="F1",
        text=requirements.FALLBACK_CRITERIA["F1"],
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
        f"{named(entry)}: minimal case {entry.minimal_reproduction or 'not made yet'}."
        for entry in unstable
    ]
    return Ruling(
        id="F2",
        text=requirements.FALLBACK_CRITERIA["F2"],
        verdict=Verdict.MET if reproducible else Verdict.NOT_MET,
        evidence=" ".join(said) or "No launch problem of Nuitka is open in the issue log.",
        next_command=""
        if reproducible or not unstable
        else f"make a minimal case and name it in “Minimal reproduction” of issue {unstable[0].id}",
    )


def _f3(evidence: Evidence) -> Ruling:
    """The plan's variant fails in more than a tenth of at least twenty launches."""
    variant = requirements.PLAN_VARIANTS[0]
    counted = launches_of(evidence, variant)
    text = requirements.FALLBACK_CRITERIA["F3"]
    command = f"invoke bench --launches {requirements.TARGET_LAUNCHES}{evidence.sidecar.option}"
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
    if counted.launches < requirements.TARGET_LAUNCHES:
        return Ruling(
            id="F3",
            text=text,
            verdict=Verdict.NOT_RUN,
            evidence=f"{said}; fewer than {requirements.TARGET_LAUNCHES} launches decide nothing.",
            next_command=command,
        )
    # In whole launches, so that a tenth of any number is exactly a tenth.
    missed = counted.failed > requirements.MAX_FAILED_RATE * counted.launches + 1e-9
    return Ruling(
        id="F3",
        text=text,
        verdict=Verdict.MET if missed else Verdict.NOT_MET,
        evidence=f"{said}; the limit is {percent(requirements.MAX_FAILED_RATE)}.",
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
        text=requirements.FALLBACK_CRITERIA["F4"],
        verdict=Verdict.MET if days > requirements.MAX_WORKING_DAYS_LOST else Verdict.NOT_MET,
        evidence=f"{days:g} working days are recorded as lost to Nuitka{of}; the limit is "
        f"{requirements.MAX_WORKING_DAYS_LOST:g}.",
    )


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
