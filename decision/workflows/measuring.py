"""One benchmark from the command line: its targets, its run, its table, its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import pythons
from benchmarks.definition import Benchmark, Rows
from benchmarks.targets import Target, all_targets, variant_target
from decision import drafts
from decision.record import figures
from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core.errors import EXIT_CANNOT, EXIT_GOAL_MISSED, EXIT_OK, SpikeError, UsageError
from spike.core.workspace import display_path
from spike.measure.results import Result
from spike.project.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a benchmark measures.

    Attributes:
        targets: The rows.
        left_out: Why a variant is none of them: it is not built, or not from today's sources.
    """

    targets: Sequence[Target]
    left_out: Sequence[SpikeError] = ()

    def told(self, code: int) -> int:
        """Name what was left out, and give the exit code of the whole run.

        Args:
            code: The exit code of what was measured.
        """
        for error in self.left_out:
            print(f"not measured: {error}")  # noqa: T201 - the command's answer
        return EXIT_CANNOT if self.left_out else code


Usable = tuple[list[Built], list[SpikeError]]
"""Builds that can be measured, and why each other one cannot."""


def choose(
    benchmark: Benchmark,
    sidecar: Sidecar,
    variants: Sequence[str] = (),
    *,
    usable: Usable | None = None,
) -> Chosen:
    """What a benchmark measures of a sidecar. One variant that cannot be stops no other.

    Args:
        benchmark: What is run.
        sidecar: What was built.
        variants: Ids of variants; every one that is built when empty.
        usable: Those builds, where they were found a moment ago; they are looked for otherwise.

    Raises:
        UsageError: The benchmark is about the tool's hello sidecar, and this is another one.
        MissingBuildError: No variant is built.
        StaleArtifactError: None is of today's sources.
    """
    if benchmark.rows is Rows.NONE:
        return Chosen(targets=())
    if not (benchmark.any_sidecar or sidecar.is_hello):
        raise UsageError(
            f"invoke {benchmark.task} is about the hello sidecar that the tool brings.",
            why=f"{sidecar.name} is another one. {benchmark.why_hello}",
            try_next=f"invoke {benchmark.task}, in the tool's own repository",
        )
    if benchmark.rows is Rows.PYTHONS:
        found, problems = pythons.choose(sidecar, variants)
        return Chosen(targets=found, left_out=problems)
    built, problems = usable or buildinfo.find_usable(sidecar, tuple(variants))
    if benchmark.rows is Rows.VARIANTS:
        targets = [variant_target(item) for item in built]
    else:
        targets = all_targets(sidecar, built)
    return Chosen(targets=targets, left_out=problems)


def run(
    benchmark: Benchmark,
    sidecar: Sidecar,
    variants: Sequence[str] = (),
    *,
    draft: bool = False,
    **options: Any,
) -> int:
    """Measure and say what came out.

    Args:
        benchmark: What is run.
        sidecar: What was built.
        variants: Ids of variants; with any, the result is kept out of the record.
        draft: Whether problems are drafted for the issue log; those of the project's own sidecar
            are in any case.
        options: The benchmark's own.

    Returns:
        0; 1 when the benchmark has a bar that was missed; 2 when a variant was left out.

    Raises:
        SpikeError: It could not be measured.
    """
    chosen = choose(benchmark, sidecar, variants)
    result = benchmark.run(sidecar, chosen.targets, partial=bool(variants), **options)
    return chosen.told(tell(benchmark, sidecar, result, draft=draft))


def tell(benchmark: Benchmark, sidecar: Sidecar, result: Result, *, draft: bool = False) -> int:
    """Print a result, draft its problems, and give the exit code that its bar asks for."""
    show(benchmark, sidecar, result, draft=draft)
    print(f"raw samples: {display_path(Path(str(result.path)))}")  # noqa: T201 - the answer
    missed = benchmark.missed(result)
    for sentence in missed:
        print(sentence)  # noqa: T201 - the command's answer
    return EXIT_GOAL_MISSED if missed else EXIT_OK


def show(benchmark: Benchmark, sidecar: Sidecar, result: Result, *, draft: bool = False) -> None:
    """Print a result's table and what disturbed the run, and draft the problems that it shows."""
    print(benchmark.render(result))  # noqa: T201 - the command's answer
    if said := figures.disturbances(result):
        print(said)  # noqa: T201 - the command's answer
    if benchmark.shows_problems:
        drafts.offer(drafts.in_result(result, sidecar), sidecar, asked=draft)
