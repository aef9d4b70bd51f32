"""Reliability: N whole lives of every variant, from spawn to READY to a stop to "nothing left"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.recording import recorded
from benchmarks.targets import PYTHON, PYTHON_ISOLATED, Target
from benchmarks.wording import counted, ends, failures, number_of, variants_in
from spike.build.buildinfo import READY
from spike.core import requirements
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import (
    binomial_interval,
    distribution,
    median,
    ratio_of_medians,
    success_claim,
)
from spike.core.tables import NOT_MEASURED, milliseconds, percent, table
from spike.launch import judgement
from spike.launch.spec import Launch
from spike.measure import results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "reliability"
_WROTE = ("wrote_program", "wrote_cwd", "wrote_home")
COMPARED = (Metric(field="ready_ms"), Metric(field="stop_ms"))


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One target's launches in figures, derived from the raw samples.

    Attributes:
        target: A variant's id or a baseline's name.
        kind: ``variant`` or ``baseline``.
        launches: Number of launches.
        failed: How many of them failed, in any way.
        failures: Number of launches by kind of failure.
        rate_low: Lower end of the exact 95 % interval of the failure rate, a fraction.
        rate_high: Its upper end.
        boot_ms: Median launch to BOOT; None when no launch said it.
        ready_ms: Median launch to READY.
        ready_max_ms: The slowest.
        stop_ms: Median from the stop signal to the exit.
        processes_left: Processes left behind, over all launches.
        files_left: Files left behind, over all launches.
    """

    target: str
    kind: str
    launches: int
    failed: int
    failures: Mapping[str, int]
    rate_low: float
    rate_high: float
    boot_ms: float | None
    ready_ms: float | None
    ready_max_ms: float | None
    stop_ms: float | None
    processes_left: int
    files_left: int

    @property
    def rate(self) -> float:
        """Failed launches as a fraction of all."""
        return self.failed / self.launches

    @property
    def goal_met(self) -> bool:
        """Whether the plan's target holds: at most 10 % failed."""
        return self.rate <= requirements.MAX_FAILED_RATE


def as_sample(result: Launch) -> dict[str, Any]:
    """A launch as a raw sample; tails are kept of failed launches only."""
    sample = asdict(result)
    for name in _WROTE:
        if not sample[name]:
            del sample[name]
    sample["failure"] = result.failure.value if result.failure else None
    for name in ("boot_ms", "ready_ms", "stop_ms", "total_ms"):
        if sample[name] is not None:
            sample[name] = round(sample[name], 3)
    if result.ok:
        del sample["stdout_tail"], sample["stderr_tail"]
    return sample


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch every target ``launches`` times, shuffled anew in each round.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    with (
        recorded(
            NAME, sidecar, targets, settings={"launches": launches, "seed": seed}, partial=partial
        ) as (recorder, copies),
        progress("bench", launches * len(targets)) as step,
    ):
        by_id = {target.id: target for target in copies}
        for number, (round_number, name) in enumerate(shuffled_rounds(list(by_id), launches, seed)):
            sample = as_sample(by_id[name].judged())
            recorder.add(name, {"order": number, "round": round_number, **sample})
            step(name)
    return recorder.result()


def render_failures(result: results.Result) -> str:
    """Every kind of failed launch in words, once for each variant, and where programs write.

    Empty when there is nothing to say.
    """
    lines = []
    for name, facts in result.targets.items():
        build = facts.get("build", {})
        if build.get("first_launch", READY) != READY:
            lines.append(
                f"{name}: its first launch after the build failed "
                f"({build['first_launch']}): {build.get('first_detail', '')}"
            )
        counted = Counter(
            (sample["failure"], sample["detail"]) for sample in result.of(name) if sample["failure"]
        )
        lines += [
            f"{name}: {count} x {failure}: {detail}"
            for (failure, detail), count in counted.most_common(5)
        ]
    return "\n".join([*lines, *_remarks(result)])


def _remarks(result: results.Result) -> Iterator[str]:
    """Where programs write, once for all that do the same."""
    told: dict[str, list[str]] = {}
    for name in result.targets:
        wrote = {
            place.removeprefix("wrote_"): tuple(
                dict.fromkeys(path for sample in result.of(name) for path in sample.get(place, ()))
            )
            for place in _WROTE[:2]
        }
        for remark in judgement.remarks(**wrote):
            told.setdefault(remark, []).append(name)
    for remark, names in told.items():
        yield f"{', '.join(names)}: {remark}"


def summarise(result: results.Result) -> list[Summary]:
    """The figures of every target that has samples, in the file's order."""
    summaries = []
    for name, facts in result.targets.items():
        samples = result.of(name)
        if not samples:
            continue
        failures: dict[str, int] = {}
        for sample in samples:
            if sample["failure"]:
                failures[sample["failure"]] = failures.get(sample["failure"], 0) + 1
        failed = sum(failures.values())
        low, high = binomial_interval(failed, len(samples))
        ready = _values(samples, "ready_ms")
        summaries.append(
            Summary(
                target=name,
                kind=str(facts["kind"]),
                launches=len(samples),
                failed=failed,
                failures=failures,
                rate_low=low,
                rate_high=high,
                boot_ms=median(_values(samples, "boot_ms")),
                ready_ms=median(ready),
                ready_max_ms=max(ready, default=None),
                stop_ms=median(_values(samples, "stop_ms")),
                processes_left=sum(len(sample["processes_left"]) for sample in samples),
                files_left=sum(len(sample["files_left"]) for sample in samples),
            )
        )
    return summaries


def _values(samples: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [sample[name] for sample in samples if sample[name] is not None]


def times(result: results.Result) -> dict[str, list[float]]:
    """Launch to READY in milliseconds, by target: the launches of one should not differ much."""
    return {name: _values(result.of(name), "ready_ms") for name in result.targets}


def missed(result: results.Result) -> list[str]:
    """Who missed the plan's target, in one sentence; nothing when all met it."""
    # A baseline says what the machine and the script do; it has nothing to meet.
    names = [
        item.target for item in summarise(result) if item.kind == "variant" and not item.goal_met
    ]
    share = percent(requirements.MAX_FAILED_RATE)
    return [f"target missed (more than {share} failed): {', '.join(names)}"] if names else []


def summary(result: results.Result) -> str:
    """The failed launches in one sentence, with what they prove."""
    rows = [item for item in summarise(result) if item.kind == "variant"]
    return f"{failures({item.target: (item.failed, item.launches) for item in rows})}."


def summary_of_latency(result: results.Result) -> str:
    """The starts in one sentence."""
    rows = {item.target: item for item in summarise(result)}
    variants = [rows[name] for name in variants_in(result)]
    python = rows.get(PYTHON_ISOLATED)
    launches = number_of([item.launches for item in variants])
    if not any(item.ready_ms for item in variants):
        of = counted(len(variants), "variant")
        return f"READY was not measured, in {launches} launches of each of {of}."
    return (
        f"READY comes after {ends({item.target: item.ready_ms for item in variants}, milliseconds)}"
        f", medians of {launches} launches of each of "
        f"{counted(len(variants), 'variant')}"
        + (f"; python -I -S needs {milliseconds(python.ready_ms)}." if python else ".")
    )


def render(result: results.Result) -> str:
    """The reliability table, and every kind of failed launch below it."""
    return "\n".join(part for part in (render_table(result), render_failures(result)) if part)


def render_table(result: results.Result) -> str:
    """The reliability table."""
    summaries = summarise(result)
    script = next((item for item in summaries if item.target == PYTHON), None)
    return table(
        [
            "variant",
            "launches",
            "failed",
            "failure rate, 95 % interval",
            "BOOT, median",
            "READY, median",
            "READY, max",
            "stop, median",
            "processes left",
            "files left",
        ],
        [
            [
                summary.target,
                str(summary.launches),
                _failed(summary) + _as_the_script(summary, script),
                f"{percent(summary.rate)} "
                f"({percent(summary.rate_low)} to {percent(summary.rate_high)})",
                milliseconds(summary.boot_ms),
                milliseconds(summary.ready_ms),
                milliseconds(summary.ready_max_ms),
                milliseconds(summary.stop_ms),
                str(summary.processes_left),
                str(summary.files_left),
            ]
            for summary in summaries
        ],
        numeric=1,
    )


def render_latency(result: results.Result) -> str:
    """Launch to READY: medians, ends, marked outliers, and ratios with their intervals."""
    baseline = by_round(result, PYTHON_ISOLATED)
    specs = by_round(result, requirements.PLAN_VARIANTS[0])
    rows = []
    for summary in summarise(result):
        taken = by_round(result, summary.target)
        figures = distribution([value for value in taken if value is not None])
        rows.append(
            [
                summary.target,
                milliseconds(summary.boot_ms),
                milliseconds(figures.median if figures else None),
                f"{milliseconds(figures.minimum)} to {milliseconds(figures.maximum)}"
                if figures
                else NOT_MEASURED,
                str(len(figures.outliers)) if figures else NOT_MEASURED,
                _ratio(taken, baseline) if summary.target != PYTHON_ISOLATED else "1",
                _ratio(taken, specs) if summary.target != requirements.PLAN_VARIANTS[0] else "1",
                milliseconds(summary.stop_ms),
            ]
        )
    return table(
        [
            "variant",
            "BOOT, median",
            "READY, median",
            "fastest to slowest",
            "outliers",
            "times python -I -S, 95 % interval",
            f"times {requirements.PLAN_VARIANTS[0]}, 95 % interval",
            "stop, median",
        ],
        rows,
        numeric=1,
    )


def by_round(result: results.Result, target: str) -> list[float | None]:
    """Launch to READY in each round, in order; None where it did not come."""
    samples = sorted(result.of(target), key=lambda sample: int(sample["round"]))
    return [sample["ready_ms"] for sample in samples]


def _ratio(one: Sequence[float | None], other: Sequence[float | None]) -> str:
    # An interrupted run may have one round more of one than of the other.
    common = min(len(one), len(other))
    ratio = ratio_of_medians(one[:common], other[:common])
    if ratio is None:
        return NOT_MEASURED
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def render_reliability(result: results.Result) -> str:
    """The failure rates, and what they prove."""
    rows = summarise(result)
    claims = dict.fromkeys(
        success_claim(item.failed, item.launches) for item in rows if item.launches
    )
    return (
        f"{render_rates(rows)}\n\nWith 95 % confidence these launches prove: {'; '.join(claims)}."
    )


def render_rates(summaries: Sequence[Summary]) -> str:
    """The failure rates alone, with the plan's target."""
    return table(
        ["variant", "launches", "failed", "failure rate", "95 % interval", "target (at most 10 %)"],
        [
            [
                summary.target,
                str(summary.launches),
                _failed(summary),
                percent(summary.rate),
                f"{percent(summary.rate_low)} to {percent(summary.rate_high)}",
                "too few launches"
                if summary.launches < requirements.TARGET_LAUNCHES
                else "met"
                if summary.goal_met
                else "missed",
            ]
            for summary in summaries
        ],
        numeric=1,
    )


def _as_the_script(summary: Summary, script: Summary | None) -> str:
    """Says in the row when what failed is no fault of the packager."""
    if summary.kind != "variant" or not summary.failures or script is None:
        return ""
    same = summary.failures.keys() <= script.failures.keys()
    return ", as the plain script does" if same and script.failed == script.launches else ""


def _failed(summary: Summary) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.failures.items()))
    return f"{summary.failed} ({kinds})" if kinds else "0"
