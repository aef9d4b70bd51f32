"""Whether a program that runs can still import what it has not imported yet."""

from __future__ import annotations

from benchmarks.faults.session import Session
from benchmarks.faults.verdict import (
    CaseResult,
    Status,
    degraded,
    failed,
    passed,
    stops,
)


def late_import(session: Session, *, nothing: str = "") -> CaseResult:
    """Ask the running probe for a late import and its data file, then for a stop."""
    session.running.write_stdin(b"import\n")
    session.running.pump(lambda: bool(session.heard("REPORT ")) or session.running.exited, 30.0)
    answered = bool(session.heard("REPORT "))
    session.stop()
    observation = session.end()
    verdict = stops(observation)
    if verdict.status is not Status.PASS:
        return verdict
    if not answered:
        return failed("it no longer answers", observation)
    problems = {name: text for name, text in observation.report.items() if text}
    if problems:
        text = "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))
        return degraded(f"it goes on and stops cleanly, but {text}", observation)
    return passed(nothing or "late import and data file work, clean stop", observation)
