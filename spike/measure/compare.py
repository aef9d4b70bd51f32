"""Two runs of one benchmark: what changed by more than the noise.

Noise has two parts. Within a run it is the spread of the launches, which the bootstrap interval
holds. Between runs the whole machine may have become slower or faster; the interpreter's own rows,
which no packager has touched, show by how much. A time counts as changed when its interval stays
clear of 1.0 even after it was widened by that drift. Counts and sizes have no noise, or a known
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from spike.core import statistics
from spike.core.errors import IncompatibleResultsError, UsageError
from spike.core.statistics import Interval
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, table
from spike.core.workspace import platform_id
from spike.measure import provenance, results
from spike.measure.results import Result

DRIFT_SUBJECTS: Final = ("baseline-python-I-S", "baseline-python")
"""Rows that no packager has touched. The static C program is too short to tell: it is all noise."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What of a benchmark is compared.

    Attributes:
        field: The sample's field; smaller is better.
        tolerance: None for a time, which has noise of its own; else the largest relative
            difference that means nothing.
        by: Field that divides a target's samples into rows; empty for none.
    """

    field: str
    tolerance: float | None = None
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure of one target in two runs.

    Attributes:
        target: The row, with its state where there is one.
        field: What was compared.
        old: Median of the old run.
        new: Median of the new run.
        ratio: New over old, with the interval where there is one.
        verdict: ``same``, ``better`` or ``worse``.
        other_binary: Whether the two runs launched different binaries.
    """

    target: str
    field: str
    old: float
    new: float
    ratio: Interval
    verdict: str
    other_binary: bool


def load(path: str) -> Result:
    """Read a result file that a user names.

    Raises:
        UsageError: There is none.
        CorruptFileError: It is damaged, or of another schema.
    """
    found = results.load_file(Path(path), remedy="the benchmark again")
    if found is None:
        here = f"benchmarks/results/{platform_id()}"
        raise UsageError(
            f"There is no result file {path}.",
            why="A run replaces the result before it, so the earlier one is copied first.",
            try_next=f"cp -r {here} before, measure again, and invoke compare "
            f"before/reliability.json {here}/reliability.json",
        )
    return found


def check_comparable(old: Result, new: Result) -> None:
    """Refuse two results that have nothing to say about each other.

    Raises:
        IncompatibleResultsError: They differ in a field that forbids it; it is named.
    """
    for name in ("benchmark", "sidecar"):
        if getattr(old, name) != getattr(new, name):
            raise IncompatibleResultsError(
                f"The two results differ in {name}: {getattr(old, name)!r} and "
                f"{getattr(new, name)!r}."
            )
    if difference := provenance.difference(old.provenance, new.provenance):
        raise IncompatibleResultsError(
            f"One of the two results was {difference}.",
            why="What differs would be the machine as much as the program.",
            try_next="measure both in one checkout",
        )


def _same(runs: Sequence[Result]) -> str:
    """The file of a run that is among the others already; empty for none."""
    seen = []
    for run in runs:
        if run.samples in seen:
            return str(run.path or run.benchmark)
        seen.append(run.samples)
    return ""


def _has_launches(run: Result) -> bool:
    return all("failure" in sample for sample in run.samples)


def pool(runs: Sequence[Result]) -> Result:
    """Put the samples of several runs together, as if they were one.

    Raises:
        IncompatibleResultsError: They differ in benchmark, sidecar, machine or binaries.
        UsageError: There are fewer than two.
    """
    if len(runs) < 2:
        raise UsageError(
            "At least two result files are put together.",
            try_next="invoke pool --result FILE --result FILE, with files of invoke bench",
        )
    if other := next((run for run in runs if not _has_launches(run)), None):
        raise IncompatibleResultsError(
            f"{other.path or other.benchmark} has no launches that could be put together.",
            try_next="invoke pool --result FILE --result FILE, with files of invoke bench",
        )
    first = runs[0]
    samples: list[Mapping[str, Any]] = list(first.samples)
    rounds = 1 + max((int(sample.get("round", 0)) for sample in first.samples), default=0)
    for other in runs[1:]:
        check_comparable(first, other)
        if set(first.targets) != set(other.targets):
            odd = sorted(set(first.targets) ^ set(other.targets))
            raise IncompatibleResultsError(f"The two results differ in targets: {odd[0]}.")
        for name, facts in first.targets.items():
            here, there = facts.get("sha256"), other.targets[name].get("sha256")
            if here != there:
                raise IncompatibleResultsError(
                    f"The two results differ in sha256 of {name}: {str(here)[:12]} and "
                    f"{str(there)[:12]}.",
                    why="They launched different binaries.",
                )
        samples += [
            {**sample, "round": int(sample.get("round", 0)) + rounds} for sample in other.samples
        ]
        rounds += 1 + max((int(sample.get("round", 0)) for sample in other.samples), default=0)
    if twice := _same(runs):
        raise IncompatibleResultsError(
            f"{twice} is one of the others once more.",
            why="Its launches would be counted twice.",
            try_next="files of different runs",
        )
    return replace(first, samples=samples, elapsed_s=sum(run.elapsed_s for run in runs), path=None)


def changes(old: Result, new: Result, metrics: Sequence[Metric]) -> list[Change]:
    """Compare every figure that both have.

    Args:
        old: A run.
        new: Another run of the same benchmark.
        metrics: What of that benchmark is compared.

    Raises:
        IncompatibleResultsError: As :func:`check_comparable`, or there is nothing to compare.
    """
    check_comparable(old, new)
    if not metrics:
        raise IncompatibleResultsError(
            f"{old.benchmark} has nothing to compare.",
            why="None of its figures is known to repeat from run to run.",
        )
    found = []
    for metric in metrics:
        before, after = _values(old, metric), _values(new, metric)
        widen = drift(before, after) if metric.tolerance is None else 1.0
        for row in before:
            if row not in after:
                continue
            name = row.partition(" ")[0]
            change = _change(before[row], after[row], metric.tolerance, widen)
            if change is None:
                continue
            ratio, verdict = change
            found.append(
                Change(
                    target=row,
                    field=metric.field,
                    old=statistics.median(before[row]) or 0.0,
                    new=statistics.median(after[row]) or 0.0,
                    ratio=ratio,
                    verdict=verdict,
                    other_binary=old.targets[name].get("sha256") != new.targets[name].get("sha256"),
                )
            )
    return found


def drift(before: Mapping[str, Sequence[float]], after: Mapping[str, Sequence[float]]) -> float:
    """By what factor, 1.0 or more, the machine itself has changed between the runs."""
    factors = [1.0]
    for row in before:
        if row.partition(" ")[0] in DRIFT_SUBJECTS and after.get(row):
            one, other = statistics.median(before[row]), statistics.median(after[row])
            if one and other:
                factors.append(max(one / other, other / one))
    return max(factors)


def _change(
    before: Sequence[float], after: Sequence[float], tolerance: float | None, widen: float
) -> tuple[Interval, str] | None:
    if tolerance is None:
        ratio = statistics.ratio_of_independent_medians(after, before)
        if ratio is None:
            return None
        worse, better = ratio.low > widen, ratio.high < 1 / widen
    else:
        old, new = statistics.median(before), statistics.median(after)
        if old is None or new is None:
            return None
        value = new / old if old else (1.0 if not new else float("inf"))
        ratio = Interval(estimate=value, low=value, high=value)
        worse, better = value > 1 + tolerance, value < 1 - tolerance
    return ratio, "worse" if worse else "better" if better else "same"


def _values(result: Result, metric: Metric) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for sample in result.samples:
        value = sample.get(metric.field)
        if value is None:
            continue
        row = str(sample["target"]) + (f" {sample[metric.by]}" if metric.by else "")
        found.setdefault(row, []).append(float(value))
    return found


def render(found: Sequence[Change]) -> str:
    """The comparison as a table, with what changed first."""
    order = {"worse": 0, "better": 1, "same": 2}
    return table(
        ["row", "figure", "old", "new", "new / old, 95 % interval", "verdict", "binary"],
        [
            [
                change.target,
                change.field,
                _shown(change.field, change.old),
                _shown(change.field, change.new),
                _ratio(change.ratio),
                change.verdict,
                "another" if change.other_binary else "the same",
            ]
            for change in sorted(found, key=lambda item: order[item.verdict])
        ],
        numeric=2,
    )


def _ratio(ratio: Interval) -> str:
    if ratio.low == ratio.high:
        return f"{ratio.estimate:.3f}"
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _shown(field: str, value: float) -> str:
    if field.endswith("_ms"):
        return milliseconds(value)
    if field.endswith("_bytes"):
        return megabytes(value)
    return f"{value:,.0f}".replace(",", " ") if value else NOT_MEASURED
