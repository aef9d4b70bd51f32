"""K1 to K6: what `invoke fallback` has done, and what is left to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks import complexity, reliability, size
from decision.criteria.decision import candidate, outcome_problems
from decision.criteria.fallback import proposal
from decision.criteria.milestone import checklist_rows
from decision.criteria.ruling import PYINSTALLER, TITLES, Ruling, Verdict, launches_of, named
from decision.evidence import Evidence, usable
from spike.core import requirements
from spike.core.tables import megabytes, milliseconds, percent

FALLBACK: Final = "fallback"
FOLLOW_UP: Final = "revisit-nuitka"
"""Fingerprint of the entry that step K6 opens."""


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
        text=requirements.CONTINGENCY_STEPS[id_],
        verdict=verdict,
        evidence=said,
        next_command=next_command,
    )


def _fallback(evidence: Evidence) -> str:
    return f"invoke fallback{evidence.sidecar.option}"


def _k1(evidence: Evidence) -> Ruling:
    last = _sample(evidence, "K1")
    if last is None:
        return _step("K1", Verdict.NOT_RUN, "Nothing has been frozen.", _fallback(evidence))
    if evidence.snapshot_problem:
        return _step("K1", Verdict.NOT_MET, evidence.snapshot_problem, _fallback(evidence))
    return _step(
        "K1",
        Verdict.DONE,
        f"{last['files']} files in {last['snapshot']}, with their checksums "
        f"(sha256 {str(last['sha256'])[:12]}).",
    )


def _k2(evidence: Evidence) -> Ruling:
    variant = requirements.PLAN_VARIANTS[1]
    build = evidence.builds.get(variant)
    if build is None:
        return _step("K2", Verdict.NOT_RUN, f"{variant} is not built.", _fallback(evidence))
    return _step(
        "K2",
        Verdict.DONE,
        f"{build['artifact']} by {build['packager']} {build['packager_version']}, sha256 "
        f"{str(build['sha256'])[:12]}.",
    )


def verified_rows(evidence: Evidence) -> dict[str, str]:
    """Status of each checklist row of the fallback's binary: the whole run's, else K3's own."""
    variant = requirements.PLAN_VARIANTS[1]
    rows = {row: str(found["status"]) for row, found in checklist_rows(evidence, variant).items()}
    own = _sample(evidence, "K3")
    build = evidence.builds.get(variant)
    if not rows and own and build and own.get("sha256") == build["sha256"]:
        rows = dict(own["rows"])
    return {row: rows.get(row, "not run") for row in requirements.CHECKLIST}


def _sample(evidence: Evidence, step: str) -> Mapping[str, Any] | None:
    """What `invoke fallback` kept of a step, the last time."""
    result = evidence.result(FALLBACK)
    samples = result.samples if result else ()
    return next((sample for sample in samples if sample["step"] == step), None)


def _k3(evidence: Evidence) -> Ruling:
    variant = requirements.PLAN_VARIANTS[1]
    status = verified_rows(evidence)
    counts = {
        name: sum(found == name for found in status.values())
        for name in ("pass", "fail", "not run")
    }
    said = f"{variant}: " + ", ".join(
        f"{count} rows {name}" for name, count in counts.items() if count
    )
    if counts["not run"]:
        command = f"invoke verify --variant {variant}{evidence.sidecar.option}"
        return _step("K3", Verdict.NOT_RUN, f"{said}.", command)
    return _step("K3", Verdict.DONE, f"{said}; the same rows by the same command as for Nuitka.")


COMPARED: Final = ("startup latency", "binary size", "launch reliability", "integration complexity")
"""Section 4, step 4: the four things that are compared side by side."""

COMPARED_BY: Final = (reliability.NAME, size.NAME, complexity.NAME)
"""The benchmarks that they are read from."""


def side_by_side(evidence: Evidence) -> dict[str, dict[str, str]]:
    """The four things of step K4, each by plan variant; what was not measured is left out."""
    compared: dict[str, dict[str, str]] = {name: {} for name in COMPARED}
    for variant in requirements.PLAN_VARIANTS:
        counted = launches_of(evidence, variant)
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
                + complexity.remains(sample["after_kill"])
            )
    return compared


def _samples(evidence: Evidence, benchmark: str, variant: str) -> list[Mapping[str, Any]]:
    result = usable(evidence, benchmark)
    return [] if result is None else result.of(variant)


def _k4(evidence: Evidence) -> Ruling:
    compared = side_by_side(evidence)
    # A Nuitka that does not build has nothing to compare; the fallback's column is what counts.
    lacking = [name for name in COMPARED if requirements.PLAN_VARIANTS[1] not in compared[name]]
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
    return _step("K6", Verdict.DONE, f"{named(follow_up[-1])} is {follow_up[-1].status}.")
