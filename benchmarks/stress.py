"""Reliability under stress: many launches at the same moment, and launches for a long time.

Both keep files of their own: what is launched eight at a time says nothing of the plan's 20
launches one after the other, and the other way round.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.cache_states import CACHE_VARIABLE
from benchmarks.recording import recorded
from benchmarks.reliability import (
    Summary,
    as_sample,
    missed,
    render_failures,
    summarise,
)
from benchmarks.targets import Target
from benchmarks.wording import failures
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import Interval, ratio_of_independent_medians
from spike.core.tables import NOT_MEASURED, milliseconds, percent, table
from spike.launch import judgement
from spike.launch.spec import Launch, LaunchSpec
from spike.measure import results
from spike.project.sidecar import Sidecar

__all__ = ["missed", "render", "run_parallel", "run_soak", "summary"]

PARALLEL = "parallel"
SOAK = "soak"


def run_parallel(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    parallel: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch each target ``parallel`` times at the same moment, again and again.

    Each batch begins with an empty cache folder that its launches share, so programs that keep
    what they unpack race for it, as several windows opened at the first login would.

    Args:
        sidecar: Whose targets they are.
        targets: What to launch.
        launches: Launches of each target at least; the last batch is a whole one.
        parallel: Launches at the same moment.
        seed: Seed of the order in which targets take turns.
        partial: Whether these are chosen targets.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    batches = -(-launches // parallel)
    with (
        recorded(
            PARALLEL,
            sidecar,
            targets,
            settings={"launches": batches * parallel, "at_once": parallel, "seed": seed},
            partial=partial,
        ) as (recorder, copies),
        progress(f"{parallel} at once", batches * len(targets)) as step,
    ):
        by_id = {target.id: target for target in copies}
        for batch, name in shuffled_rounds(list(by_id), batches, seed):
            for place, done in enumerate(launch_together(by_id[name], parallel)):
                recorder.add(name, {"round": batch, "place": place, **as_sample(done)})
            step(name)
    return recorder.result()


def launch_together(target: Target, at_once: int) -> list[Launch]:
    """Launch one target several times at the same moment; the threads start at a barrier."""
    barrier = threading.Barrier(at_once)
    with tempfile.TemporaryDirectory(prefix="spike-parallel-", ignore_cleanup_errors=True) as name:
        cache = {CACHE_VARIABLE: str(Path(name))}

        def one(spec: LaunchSpec) -> Launch:
            barrier.wait(timeout=30.0)
            return judgement.judge(spec, place=target.place, explain=target.explained)

        with ThreadPoolExecutor(max_workers=at_once) as workers:
            specs = [target.spec() for _ in range(at_once)]
            return list(
                workers.map(one, [replace(each, env={**each.env, **cache}) for each in specs])
            )


def run_soak(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    minutes: float,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch every target in turns until the time is up; the last round is a whole one.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    seconds = minutes * 60
    with (
        recorded(
            SOAK, sidecar, targets, settings={"minutes": minutes, "seed": seed}, partial=partial
        ) as (recorder, copies),
        progress("soak, seconds", int(seconds)) as step,
    ):
        by_id = {target.id: target for target in copies}
        started = time.monotonic()
        shown = 0
        # Far more rounds than any time allows; the clock ends it.
        for number, (round_number, name) in enumerate(shuffled_rounds(list(by_id), 10**7, seed)):
            if number % len(by_id) == 0 and time.monotonic() - started >= seconds:
                break
            sample = as_sample(by_id[name].judged())
            recorder.add(name, {"order": number, "round": round_number, **sample})
            while shown < min(seconds, time.monotonic() - started) - 1:
                shown += 1
                step(name)
    return recorder.result()


def summary(result: results.Result) -> str:
    """The failed launches in one sentence, with how they were made."""
    rows = [item for item in summarise(result) if item.kind == "variant"]
    text = failures({item.target: (item.failed, item.launches) for item in rows})
    how = (
        f"in {result.settings['minutes']:g} minutes by turns"
        if result.benchmark == SOAK
        else f"{result.settings['at_once']} at the same moment"
    )
    return text.replace(" failed", f" failed, {how}", 1) + "."


def drift(result: results.Result, target: str) -> Interval | None:
    """Median of the last quarter of the launches over that of the first, with its interval."""
    values = [
        float(sample["ready_ms"]) for sample in result.of(target) if sample["ready_ms"] is not None
    ]
    quarter = len(values) // 4
    return ratio_of_independent_medians(values[-quarter:], values[:quarter]) if quarter else None


def render(result: results.Result) -> str:
    """The table, and every kind of failed launch below it."""
    return "\n".join(part for part in (render_table(result), render_failures(result)) if part)


def render_table(result: results.Result) -> str:
    """Failures with their exact interval, times, and for a soak what changed from start to end."""
    rows = []
    for item in summarise(result):
        row = [
            item.target,
            str(item.launches),
            _failures(item),
            f"{percent(item.rate_low)} to {percent(item.rate_high)}",
            milliseconds(item.ready_ms),
            milliseconds(item.ready_max_ms),
            str(item.processes_left),
            str(item.files_left),
        ]
        if result.benchmark == SOAK:
            change = drift(result, item.target)
            row.append(
                f"{change.estimate:.2f} ({change.low:.2f} to {change.high:.2f})"
                if change
                else NOT_MEASURED
            )
        rows.append(row)
    columns = [
        "variant",
        "launches",
        "failed",
        "failure rate, 95 % interval",
        "READY, median",
        "READY, max",
        "processes left",
        "files left",
    ]
    if result.benchmark == SOAK:
        columns.append("last quarter / first quarter")
    return table(columns, rows, numeric=1)


def _failures(summary: Summary) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(summary.failures.items()))
    return f"{summary.failed} ({kinds})" if kinds else "0"
