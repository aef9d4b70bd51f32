"""Counts of instructions: how far two of them are apart."""

from __future__ import annotations

import pytest

from benchmarks import instructions


def test_counts_of_instructions_show_how_far_they_are_apart() -> None:
    """Two equal counts are 0 apart; one count proves nothing."""
    samples = [{"instructions": 1000}, {"instructions": 1004}]
    assert instructions.spread(samples) == pytest.approx(0.004)
    assert instructions.spread(samples[:1]) is None
