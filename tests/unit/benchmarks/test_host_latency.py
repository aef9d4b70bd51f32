"""What the host adds to a launch: the arithmetic of its two bars."""

from __future__ import annotations

import random
from typing import Any

from benchmarks import host_latency
from benchmarks.host_latency import DIRECT, HOST, THROUGH
from spike.core import statistics
from spike.measure.results import Result


def result(**ready_ms: list[tuple[str, float | None]]) -> Result:
    samples: list[dict[str, Any]] = [
        {"target": variant, "by": way, "ready_ms": value}
        for variant, values in ready_ms.items()
        for way, value in values
    ]
    return Result(
        benchmark=host_latency.NAME,
        sidecar="sidecar-hello",
        sidecar_version="0.1.0",
        complete=True,
        provenance={},
        settings={},
        targets={variant: {} for variant in ready_ms},
        samples=samples,
        elapsed_s=1.0,
    )


def test_a_single_file_is_compared_with_itself() -> None:
    """Without a launcher binary nothing is added by one; the host's share is the difference."""
    [found] = host_latency.summarise(
        result(onefile=[(HOST, 104.0), (HOST, 110.0), (HOST, 105.0), (DIRECT, 100.0)])
    )
    assert (found.host_adds_ms, found.launcher_adds_ms, found.goal_met) == (5.0, 0.0, True)
    assert "| -" in host_latency.render_summaries([found])


def test_a_folder_build_is_compared_through_its_launcher() -> None:
    """The host starts the launcher binary, so that is what it is compared with."""
    [found] = host_latency.summarise(result(onedir=[(HOST, 46.0), (THROUGH, 44.0), (DIRECT, 41.0)]))
    assert (found.host_adds_ms, found.launcher_adds_ms) == (2.0, 3.0)
    assert not found.goal_met


def test_a_host_that_sees_ready_late_misses_the_bar() -> None:
    """More than five milliseconds is a miss."""
    [found] = host_latency.summarise(result(onefile=[(HOST, 105.1), (DIRECT, 100.0)]))
    assert not found.goal_met


def test_launches_without_ready_are_not_counted_as_zero() -> None:
    """A variant that one of the two never saw ready has no figure."""
    assert host_latency.summarise(result(onefile=[(HOST, None), (DIRECT, 100.0)])) == []


def test_how_far_the_difference_can_be_trusted_is_shown() -> None:
    """The interval holds the true difference; too few launches have none."""
    direct: list[float | None] = [100.0 + n % 7 for n in range(30)]
    host = [None if value is None else value + 2.0 for value in direct]
    samples = [(HOST, value) for value in host] + [(DIRECT, value) for value in direct]
    [found] = host_latency.summarise(result(onefile=samples))
    assert found.host_adds is not None
    assert found.host_adds.low <= 2.0 <= found.host_adds.high
    assert found.launcher_adds is None
    assert (
        f"2.0 ({found.host_adds.low:.1f} to {found.host_adds.high:.1f})"
        in host_latency.render_summaries([found])
    )


def test_more_launches_are_taken_until_the_interval_is_narrower_than_the_bar() -> None:
    """A spread of 20 ms needs more than a spread of 2; where the figure lies does not matter."""

    def settled(spread_ms: float, adds_ms: float) -> bool:
        draw = random.Random(1)
        direct = [100.0 + spread_ms * draw.random() for _ in range(32)]
        host = [100.0 + adds_ms + spread_ms * draw.random() for _ in range(32)]
        samples: list[tuple[str, float | None]] = [(HOST, value) for value in host]
        [found] = host_latency.summarise(result(onefile=samples + [(DIRECT, v) for v in direct]))
        return found.settled

    assert settled(2.0, adds_ms=0.0)
    assert settled(2.0, adds_ms=9.0)
    assert not settled(20.0, adds_ms=0.0)


def test_launches_of_one_host_are_not_taken_for_evidence_four_times() -> None:
    """Alike within a round, four launches a round tell as much as one: the interval is as wide."""
    draw = random.Random(1)
    means = [100.0 + draw.gauss(0, 5) for _ in range(12)]
    zeros = [100.0] * 12
    once = statistics.difference_of_medians(means, zeros)
    four_times = [mean for mean in means for _ in range(4)]
    alike = statistics.difference_of_medians(four_times, zeros * 4, per_round=4)
    one_by_one = statistics.difference_of_medians(four_times, zeros * 4)
    assert once is not None
    assert alike is not None
    assert one_by_one is not None
    assert (alike.low, alike.high) == (once.low, once.high)
    assert one_by_one.high - one_by_one.low < 0.8 * (once.high - once.low)


def test_the_launcher_binary_has_an_interval_of_its_own_to_settle() -> None:
    """What the host adds may be known well while what the launcher costs is not."""
    steady: list[tuple[str, float | None]] = [(HOST, 50.0), (THROUGH, 50.0)]
    spread: list[tuple[str, float | None]] = [(DIRECT, 20.0 + n % 30) for n in range(30)]
    [found] = host_latency.summarise(result(onedir=steady * 30 + spread))
    assert not found.settled


def test_a_miss_is_said_with_the_doubt_about_it() -> None:
    """An interval that reaches below the bar leaves open whether it is missed."""
    sure: list[tuple[str, float | None]] = [(HOST, 110.0), (DIRECT, 100.0)]
    [found] = host_latency.summarise(result(onefile=sure * 30))
    assert found.misses == ("onefile: the host adds 10.0 ms, the bar is 5",)
    spread: list[tuple[str, float | None]] = [
        *((HOST, 106.0 + n) for n in range(30)),
        *((DIRECT, 100.0 + n * 7 % 30) for n in range(30)),
    ]
    [found] = host_latency.summarise(result(onefile=spread))
    assert found.misses == (
        "onefile: the host adds 6.0 ms, the bar is 5, which the interval does not exclude",
    )
    assert host_latency.render_summaries([found]).endswith(found.misses[0])
