"""What a run says: each case on each variant, and counts that name what they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.case import all_cases
from benchmarks.faults.targets import is_ours
from benchmarks.faults.verdict import SEVERITY, Status
from spike.measure import results


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One case on one variant, over all repetitions.

    Attributes:
        case: The case's name.
        target: The variant's id.
        status: The worst status of the repetitions.
        stable: Whether all repetitions had the same status.
        detail: What was seen, or why it was not run.
        elapsed_s: Seconds of the slowest repetition.
    """

    case: str
    target: str
    status: Status
    stable: bool
    detail: str
    elapsed_s: float


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many cases ended how on one variant. A count stands with the number it is of.

    Attributes:
        counts: Number of cases by status.
    """

    counts: Mapping[Status, int]

    @property
    def of(self) -> int:
        """Cases, run or not."""
        return sum(self.counts.values())

    @property
    def run(self) -> int:
        """Cases that were run."""
        return self.of - self.counts[Status.NOT_RUN]

    def text(self, status: Status) -> str:
        """``2 of 90``: cases of a status, of those that were run; not run, of all cases."""
        of = self.of if status is Status.NOT_RUN else self.run
        return f"{self.counts[status]} of {of}"


def cells(result: results.Result) -> list[Cell]:
    """Every case on every variant, in the order of the categories and of the targets."""
    by_cell: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for sample in result.samples:
        by_cell.setdefault((str(sample["case"]), str(sample["target"])), []).append(sample)
    order = {name: number for number, name in enumerate(all_cases())}
    columns = {name: number for number, name in enumerate(result.targets)}
    made = []
    for (case, target), samples in by_cell.items():
        worst = max(samples, key=lambda sample: SEVERITY[Status(sample["status"])])
        made.append(
            Cell(
                case=case,
                target=target,
                status=Status(worst["status"]),
                stable=len({sample["status"] for sample in samples}) == 1,
                detail=str(worst.get("detail") or worst.get("reason") or ""),
                elapsed_s=max(float(sample["elapsed_s"]) for sample in samples),
            )
        )
    return sorted(made, key=lambda cell: (order.get(cell.case, 10**6), columns[cell.target]))


def tallies(shown: Iterable[Cell]) -> dict[str, Tally]:
    """The tally of each variant: what a decision can count."""
    counts: dict[str, dict[Status, int]] = {}
    for cell in shown:
        counts.setdefault(cell.target, dict.fromkeys(Status, 0))[cell.status] += 1
    return {target: Tally(counts=row) for target, row in counts.items()}


def comparable(shown: Iterable[Cell]) -> list[Cell]:
    """The cells of the cases that every variant went through: only there are counts comparable.

    A variant that cannot hold the probe does not fail its cases, and does not pass them either.
    """
    variants = [cell for cell in shown if not is_ours(cell.target)]
    not_run = {cell.case for cell in variants if cell.status is Status.NOT_RUN}
    return [cell for cell in variants if cell.case not in not_run]


def category_of(case: str) -> str:
    """The category of a case; ``other`` for one that no longer exists."""
    entry = all_cases().get(case)
    return entry.category if entry else "other"


def broken(result: results.Result) -> list[str]:
    """Cases that failed by a mistake of the suite itself, a sentence each."""
    return [
        f"{sample['case']} on {sample['target']}: {sample['reason']}"
        for sample in result.samples
        if sample.get("broken")
    ]


def unstable(shown: Iterable[Cell]) -> list[str]:
    """Cases whose status was not the same in every repetition."""
    return [f"{cell.case} on {cell.target}" for cell in shown if not cell.stable]
