"""Every benchmark measures a frozen program, and says what it found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.definition import Benchmark
from benchmarks.registry import BENCHMARKS
from benchmarks.targets import all_targets
from decision.workflows import measuring
from spike.build.buildinfo import Built
from spike.project import sidecar
from tests.support import turns

pytestmark = pytest.mark.integration

VARIANT = "pyinstaller-onedir"
LEAST = {
    "launches": 2,
    "parallel": 2,
    "minutes": 1,
    "runs": 1,
    "lifecycles": 10,
}
"""Enough to see that it works; no figure of these runs is kept in the record."""

LONG = ("chaos", "soak")
"""Random ends, and a whole minute."""

SMALL = [
    pytest.param(benchmark, marks=pytest.mark.nightly if benchmark.name in LONG else ())
    for benchmark in BENCHMARKS.values()
    if not benchmark.in_host
    and benchmark.name not in ("selfcheck", "ablation", "faults", "services")  # have their own
]


@pytest.mark.parametrize("benchmark", SMALL, ids=lambda benchmark: benchmark.name)
def test_a_benchmark_measures_a_frozen_program(
    benchmark: Benchmark, built: Callable[..., Built], capsys: pytest.CaptureFixture[str]
) -> None:
    """One variant, as ``--variant`` asks for it: a whole result, apart from the record's."""
    built(VARIANT)
    if why := benchmark.unavailable():
        pytest.skip(why)
    hello = sidecar.load()
    options = {
        option.name: max(option.low, LEAST[option.name])
        for option in benchmark.options
        if option.name in LEAST
    }
    with turns.measuring_here():
        code = measuring.run(benchmark, hello, [VARIANT], draft=False, **options)
    said = capsys.readouterr().out
    assert code == 0, said
    assert VARIANT in said
    assert "raw samples: benchmarks/results/" in said
    assert "/partial/" in said


def test_the_baselines_stand_beside_the_variants(built: Callable[..., Built]) -> None:
    """Python itself and the static C program are launched like everything else."""
    hello = sidecar.load()
    targets = all_targets(hello, [built(VARIANT)])
    assert len(targets) > 2
    with turns.measuring_here():
        result = BENCHMARKS["reliability"].run(hello, targets, launches=2, partial=True)
    assert result.complete
    assert {sample["target"] for sample in result.samples} == {target.id for target in targets}
    assert all(sample["failure"] is None for sample in result.samples)
    assert "0 of 2 launches of 1 variant failed" in BENCHMARKS["reliability"].summary(result)
