"""A benchmark that takes no time: what its entry in the registry promises, and how often it ran."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.definition import Benchmark, Option, Rows, Section
from benchmarks.targets import Target
from spike.measure import results
from spike.measure.results import Result
from spike.project.sidecar import Sidecar

ENTRY = Benchmark(
    name="toy",
    task="toy",
    says="Count to three.",
    module=__name__,
    sections=(Section(name="toy", report="toy", title="Toy"),),
    options=(Option(name="launches", help="launches", default=3),),
    rows=Rows.NONE,
    in_spike=True,
)
lacks: list[str] = []
"""Why it cannot run; a test fills it."""


def unavailable() -> str:
    """Why it cannot run here."""
    return "; ".join(lacks)


def run(
    sidecar: Sidecar, targets: Sequence[Target], *, partial: bool = False, launches: int = 3
) -> Result:
    """Count."""
    with results.recording(
        ENTRY.name,
        sidecar,
        targets={"fingers": {"kind": "procedure"}},
        settings={"launches": launches},
        partial=partial,
    ) as recorder:
        for number in range(launches):
            recorder.add("fingers", {"number": number})
    return recorder.result()


def render(result: Result) -> str:
    """Its table."""
    return f"counted to {len(result.samples)}"


def summary(result: Result) -> str:
    """Its sentence."""
    return f"It counted to {len(result.samples)}."


def missed(result: Result) -> Sequence[str]:
    """It has to count to three."""
    return [] if len(result.samples) >= 3 else [f"target missed: {len(result.samples)} of 3"]
