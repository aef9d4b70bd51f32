"""States of the caches: which a program has, and why one was not reached."""

from __future__ import annotations

from pathlib import Path

from benchmarks import cache_states
from spike.measure.pagecache import Residency


def test_a_program_that_keeps_what_it_unpacks_has_four_states() -> None:
    """Without an unpack cache there are two states, with one there are four."""
    assert [s.id for s in cache_states.states(keeps_unpacked=False)] == ["warm", "cold"]
    assert [s.id for s in cache_states.states(keeps_unpacked=True)] == [
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
    assert cache_states.shortfall(cold, "cold") == ""
    assert "libc.so.6" in cache_states.shortfall(mapped, "cold")
    assert "cannot be verified" in cache_states.shortfall(unknown, "cold")
    assert "only 1 of 10" in cache_states.shortfall(mapped, "warm")
