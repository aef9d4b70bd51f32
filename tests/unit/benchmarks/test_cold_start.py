"""Cold and warm starts: a state has its name only when it was proved."""

from __future__ import annotations

from pathlib import Path

from benchmarks import cold_start
from spike.measure.pagecache import Residency
from tests.support.evidence import measured


def test_a_program_that_keeps_what_it_unpacks_has_four_states() -> None:
    """Without an unpack cache there are two states, with one there are four."""
    assert [s.id for s in cold_start.states(keeps_unpacked=False)] == ["warm", "cold"]
    assert [s.id for s in cold_start.states(keeps_unpacked=True)] == [
        "warm+empty",
        "warm+filled",
        "cold+empty",
        "cold+filled",
    ]


def test_a_state_that_was_not_reached_says_why() -> None:
    """One page in memory is not cold; the file that stays is named."""
    cold = Residency(files=1, pages=10, resident=0)
    mapped = Residency(files=1, pages=10, resident=1, staying=(Path("/lib/libc.so.6"),))
    unknown = Residency(files=1, pages=0, resident=0, unknown=("/x: only its owner may know",))
    assert cold_start.shortfall(cold, "cold") == ""
    assert "libc.so.6" in cold_start.shortfall(mapped, "cold")
    assert "cannot be verified" in cold_start.shortfall(unknown, "cold")
    assert "only 1 of 10" in cold_start.shortfall(mapped, "warm")


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
