"""What disturbed a run is said below its table."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import cold_start
from decision.record import figures
from tests.support.evidence import measured


def test_launches_that_differ_much_are_a_warning_below_the_table() -> None:
    """In terminal and record alike, by target, and for cold starts by state."""
    targets = {"steady": {"kind": "variant"}, "wild": {"kind": "variant"}}
    samples = [
        {"target": name, "state": state, "round": n, "ready_ms": ms, "failure": None}
        for state, base in (("warm", 10.0), ("cold", 90.0))
        for n in range(12)
        for name, ms in (("steady", base), ("wild", base * (1 + (n % 2) / 2)))
    ]
    bench = measured("reliability", targets, samples[: len(samples) // 2])
    said = figures.disturbances(bench)
    assert said.startswith("Warning: wild: the middle half of the launches spans")
    assert "Advice: run it again with more launches (--launches)" in said
    assert said in figures.run_line(bench, "invoke bench")
    said = figures.disturbances(measured(cold_start.NAME, targets, samples))
    assert "wild (warm)" in said
    assert "wild (cold)" in said
    assert "steady" not in said
    # An emulated system has no time that anything could disturb.
    facts = {**bench.provenance, "emulated": "wine 8.0"}
    assert figures.disturbances(replace(bench, provenance=facts)) == ""
