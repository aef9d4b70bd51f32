"""Cold and warm starts: a state has its name only when it was proved."""

from __future__ import annotations

from benchmarks import cold_start
from tests.support.evidence import measured


def test_a_row_is_called_cold_only_when_every_launch_was() -> None:
    """One launch whose state was not proved takes the name from the row."""
    samples = [
        {
            "target": "nuitka-onefile",
            "round": n,
            "state": state,
            "reached": reached or n > 0,
            "why": "" if reached or n > 0 else "1 of 9 pages stay in memory",
            "ready_ms": 10.0 + n,
            "failure": None,
            "read_bytes": 0,
        }
        for state, reached in (("warm", True), ("cold", False))
        for n in range(8)
    ]
    targets = {
        "nuitka-onefile": {
            "kind": "variant",
            "build": {"cold_start_ms": 12.0, "first_launch": "ready"},
        }
    }
    rows = cold_start.summarise(measured(cold_start.NAME, targets, samples))
    assert [row.title for row in rows] == [cold_start.FIRST, "warm", "cold: not reached"]
    text = cold_start.render(measured(cold_start.NAME, targets, samples))
    assert "not reached in 1 of 8 launches: 1 of 9 pages" in text
