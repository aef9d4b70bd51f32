"""The self-check of the measuring: what passes and what is an alarm too many."""

from __future__ import annotations

import pytest

from benchmarks import selfcheck
from tests.support.evidence import measured


@pytest.mark.parametrize(("misses", "passed"), [(0, True), (1, True), (2, False)])
def test_the_self_check_allows_one_false_alarm_of_twenty(misses: int, passed: bool) -> None:
    """19 of 20 A/A runs have to show no difference."""
    names = (selfcheck.ONE, selfcheck.TWO, selfcheck.DELAYED)
    targets = {name: {"kind": "check"} for name in names}
    samples = [
        {
            "target": name,
            "run": run,
            "round": n,
            "ready_ms": 10.0 * (1.2 if run < misses and name == selfcheck.TWO else 1.0) + n / 100,
        }
        for run in range(20)
        for n in range(selfcheck.ROUNDS)
        for name in targets
    ]
    answer = selfcheck.answers(measured(selfcheck.NAME, targets, samples))[0]
    assert answer.passed is passed
