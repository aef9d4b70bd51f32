"""The outcome that people named, held against what the rules propose."""

from __future__ import annotations

from decision.criteria.fallback import proposal
from decision.criteria.ruling import NUITKA, TITLES
from decision.evidence import Evidence


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
