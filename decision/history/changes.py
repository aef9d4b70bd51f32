"""What changed from run to run by more than the noise, and what is over its budget. Pure.

A ratio or a rate has changed when its interval stays clear of the other's; a size when it differs
by more than a hundredth. A ratio is over its budget when the whole interval is: noise fails no
build. A size and a count of failed launches have no noise that would excuse them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from decision.history.runs import Figures, Run
from spike.core.statistics import Interval
from spike.core.tables import NOT_MEASURED, megabytes, table

SIZE_TOLERANCE: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One figure that is followed.

    Attributes:
        key: In ``[tool.sidecar.budget]``.
        says: What it is, in a sentence.
        interval: The figure with its interval in the unit of the budget; None for unknown.
        told: The figure in words.
    """

    key: str
    says: str
    interval: Callable[[Figures], Interval | None]
    told: Callable[[Figures], str]


def _size(figures: Figures) -> Interval | None:
    if figures.size_bytes is None:
        return None
    value = figures.size_bytes / 1e6
    spread = value * SIZE_TOLERANCE / 2
    return Interval(estimate=value, low=value - spread, high=value + spread)


FOLLOWED: Final[Sequence[Kept]] = (
    Kept(
        key="ready_ms_ratio",
        says="READY by python -I -S",
        interval=lambda figures: figures.ready,
        told=lambda figures: (
            NOT_MEASURED if figures.ready is None else f"{figures.ready.estimate:.2f}"
        ),
    ),
    Kept(
        key="size_mb",
        says="what ships",
        interval=_size,
        told=lambda figures: megabytes(figures.size_bytes),
    ),
    Kept(
        key="failures",
        says="failed launches",
        interval=lambda figures: figures.rate,
        told=lambda figures: f"{figures.failed} of {figures.launches}",
    ),
)
"""In the order of the columns."""


def between(old: Run, new: Run) -> list[str]:
    """What changed by more than the noise, a phrase each; empty for nothing."""
    said = []
    for variant, after in new.figures.items():
        before = old.figures.get(variant)
        if before is None:
            said.append(f"{variant} is new")
            continue
        for kept in FOLLOWED:
            one, other = kept.interval(before), kept.interval(after)
            if one is None or other is None:
                continue
            if other.low > one.high or other.high < one.low:
                word = "worse" if other.estimate > one.estimate else "better"
                said.append(
                    f"{variant}: {kept.says} {kept.told(before)} → {kept.told(after)}, {word}"
                )
    said += [f"{variant} is gone" for variant in old.figures if variant not in new.figures]
    return said


@dataclass(frozen=True, kw_only=True)
class Exceeded:
    """A budget that the newest run does not keep.

    Attributes:
        key: Of the budget.
        sentence: The figure, the budget and the commit that brought it.
    """

    key: str
    sentence: str


def exceeded(runs: Sequence[Run], variant: str, budget: Mapping[str, float]) -> list[Exceeded]:
    """Hold the newest run against the budget.

    Args:
        runs: The oldest first.
        variant: Whose figures.
        budget: By key of :data:`FOLLOWED`; what is missing has none.
    """
    found = []
    for kept in FOLLOWED:
        if kept.key not in budget:
            continue
        limit = budget[kept.key]
        over = [_over(run.figures.get(variant), kept, limit) for run in runs]
        if not over or not over[-1]:
            continue
        first = next(number for number in range(len(over)) if all(over[number:]))
        brought = (
            f"since {runs[0].what}, the first run that is known"
            if first == 0
            else f"brought between {runs[first - 1].what} and {runs[first].what}"
        )
        figures = runs[-1].figures[variant]
        found.append(
            Exceeded(
                key=kept.key,
                sentence=f"{variant}: {kept.says} is {kept.told(figures)}, and the budget "
                f"{kept.key} is {limit:g}; {brought}.",
            )
        )
    return found


def _over(figures: Figures | None, kept: Kept, limit: float) -> bool:
    if figures is None:
        return False
    if kept.key == "failures":
        return figures.failed > limit
    interval = kept.interval(figures)
    if interval is None:
        return False
    return (interval.estimate if kept.key == "size_mb" else interval.low) > limit


def render(runs: Sequence[Run], variant: str) -> str:
    """One line a run, the oldest first, with what changed since the one before."""
    rows = []
    for number, run in enumerate(runs):
        figures = run.figures.get(variant)
        changed = between(runs[number - 1], run) if number else []
        rows.append(
            [
                run.commit,
                run.at[:16].replace("T", " "),
                run.what,
                *(NOT_MEASURED if figures is None else kept.told(figures) for kept in FOLLOWED),
                "; ".join(changed) or ("" if number else "the first"),
            ]
        )
    headers = ["results", "measured", "of", *(kept.says for kept in FOLLOWED), "changed"]
    return table(headers, rows)
