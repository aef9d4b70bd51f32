"""The plan's rules: fallback criteria F1 to F4, contingency steps K1 to K6, exit criteria M1 to M6.

Pure: each rule is a function from the evidence to a verdict with its reasons. "Not run" is a
verdict of its own: what was not tried is neither met nor not met, and no decision rests on it.
"""

from decision.criteria.contingency import (
    COMPARED,
    COMPARED_BY,
    FALLBACK,
    FOLLOW_UP,
    contingency_steps,
    side_by_side,
    verified_rows,
)
from decision.criteria.decision import candidate, outcome_problems, packager_of
from decision.criteria.fallback import Proposal, fallback_criteria, proposal
from decision.criteria.milestone import (
    FAILURE_ROWS,
    READY_ROWS,
    TAURI_ROWS,
    checklist_rows,
    exit_criteria,
)
from decision.criteria.ruling import NUITKA, PYINSTALLER, TITLES, Ruling, Verdict
from decision.evidence import Evidence

__all__ = [
    "COMPARED",
    "COMPARED_BY",
    "FAILURE_ROWS",
    "FALLBACK",
    "FOLLOW_UP",
    "NUITKA",
    "PYINSTALLER",
    "READY_ROWS",
    "TAURI_ROWS",
    "TITLES",
    "Proposal",
    "Ruling",
    "Verdict",
    "all_rulings",
    "candidate",
    "checklist_rows",
    "contingency_steps",
    "exit_criteria",
    "fallback_criteria",
    "outcome_problems",
    "packager_of",
    "proposal",
    "side_by_side",
    "verified_rows",
]


def all_rulings(evidence: Evidence) -> tuple[Ruling, ...]:
    """F1 to F4, K1 to K6, M1 to M6."""
    return (
        *fallback_criteria(evidence),
        *contingency_steps(evidence),
        *exit_criteria(evidence),
    )
