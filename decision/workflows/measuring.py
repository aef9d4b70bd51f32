"""One benchmark from the command line: its targets, its run, its table, its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.registry import Benchmark, Rows
from benchmarks.targets import Target, all_targets, variant_target
from decision import drafts
from decision.record import figures
from spike.build import buildinfo
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, UsageError
from spike.core.workspace import display_path
from spike.measure.results import Result
from spike.project.sidecar import Sidecar


def targets_of(
    benchmark: Benchmark, sidecar: Sidecar, variants: Sequence[str] = ()
) -> list[Target]:
    """What a benchmark measures of a sidecar.

    Args:
        benchmark: What is run.
        sidecar: What was built.
        variants: Ids of variants; every one that is built when empty.

    Raises:
        UsageError: The benchmark is about the tool's hello sidecar, and this is another one.
        MissingBuildError: A variant is not built.
    """
    if benchmark.rows is Rows.NONE:
        return []
    if not (benchmark.any_sidecar or sidecar.is_hello):
        raise UsageError(
            f"invoke {benchmark.task} is about the hello sidecar that the tool brings.",
            why=f"{sidecar.name} is another one; what is found there belongs to packager and "
            "mode, and counts for every sidecar.",
            try_next=f"invoke {benchmark.task}, in the tool's own repository",
        )
    built = buildinfo.find_all(sidecar, tuple(variants))
    if benchmark.rows is Rows.VARIANTS:
        return [variant_target(item) for item in built]
    return all_targets(sidecar, built)


def run(
    benchmark: Benchmark, sidecar: Sidecar, variants: Sequence[str] = (), **options: Any
) -> int:
    """Measure and say what came out.

    Args:
        benchmark: What is run.
        sidecar: What was built.
        variants: Ids of variants; with any, the result is kept out of the record.
        options: The benchmark's own.

    Returns:
        0, or 1 when the benchmark has a bar that was missed.

    Raises:
        SpikeError: It could not be measured.
    """
    targets = targets_of(benchmark, sidecar, variants)
    result = benchmark.run(sidecar, targets, partial=bool(variants), **options)
    return tell(benchmark, sidecar, result)


def tell(benchmark: Benchmark, sidecar: Sidecar, result: Result) -> int:
    """Print a result, draft its problems, and give the exit code that its bar asks for."""
    show(benchmark, sidecar, result)
    print(f"raw samples: {display_path(Path(str(result.path)))}")  # noqa: T201 - the answer
    missed = benchmark.missed(result)
    for sentence in missed:
        print(sentence)  # noqa: T201 - the command's answer
    return EXIT_GOAL_MISSED if missed else EXIT_OK


def show(benchmark: Benchmark, sidecar: Sidecar, result: Result) -> None:
    """Print a result's table and what disturbed the run, and draft the problems that it shows."""
    print(benchmark.render(result))  # noqa: T201 - the command's answer
    if said := figures.disturbances(result):
        print(said)  # noqa: T201 - the command's answer
    if benchmark.shows_problems:
        drafts.log(drafts.in_result(result, sidecar), sidecar)
