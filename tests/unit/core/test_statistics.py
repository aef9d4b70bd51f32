"""Statistics: what a figure in the record may claim."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from spike.core import statistics


def test_twenty_good_launches_say_at_least_83_percent() -> None:
    """The plan's 20 launches prove 83 %, and the record may claim no more."""
    assert statistics.success_claim(0, 20) == "20 of 20 good: at least 83 %"


@pytest.mark.parametrize(("launches", "percent"), [(59, 93), (72, 95), (183, 98), (368, 99.0)])
def test_a_bound_is_rounded_down(launches: int, percent: float) -> None:
    """A claim never says more than the two-sided exact interval does."""
    text = statistics.success_claim(0, launches)
    bound = float(text.rsplit(" ", 2)[1])
    low = 100 * (0.025 ** (1 / launches))  # closed form for no failure
    assert bound <= low
    assert bound == pytest.approx(percent)


def test_the_interval_of_no_failure_has_its_closed_form() -> None:
    """Clopper-Pearson for 0 of n ends at 1 - (alpha/2)^(1/n)."""
    low, high = statistics.binomial_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize(
    ("failures", "launches", "low", "high"),
    [
        (1, 20, 0.0012650894979498, 0.2487327627720278),
        (5, 20, 0.0865714691014346, 0.4910458717079577),
        (15, 20, 0.5089541282920423, 0.9134285308985654),
        (3, 1000, 0.0006190999316496, 0.0087420232384783),
        (500, 10000, 0.0458098182, 0.0544545270),
    ],
)
def test_the_interval_is_the_published_one(
    failures: int, launches: int, low: float, high: float
) -> None:
    """Quantiles of the beta distribution (scipy.special.betaincinv 1.17), likewise by R's qbeta."""
    found = statistics.binomial_interval(failures, launches)
    assert found == pytest.approx((low, high), abs=1e-6 if launches > 1000 else 1e-12)


def test_all_failed_leaves_no_upper_end_but_1() -> None:
    """And the mirror of none failed below it."""
    assert statistics.binomial_interval(20, 20) == pytest.approx((0.025 ** (1 / 20), 1.0))


def test_no_launches_have_no_rate() -> None:
    """A rate over nothing is an error, not 0 %."""
    with pytest.raises(ValueError, match="0 failures of 0 launches"):
        statistics.binomial_interval(0, 0)
    with pytest.raises(ValueError, match="5 failures of 4 launches"):
        statistics.binomial_interval(5, 4)


def test_without_times_numpy_is_not_needed() -> None:
    """Under Wine it does not start; nobody may ask for it where there is nothing to resample."""
    hidden = "import sys; sys.modules['numpy'] = None; from spike.core import statistics as s; "
    asked = "assert s.ratio_of_medians([None] * 9, [None] * 9) is None; s.success_claim(0, 20)"
    subprocess.run([sys.executable, "-c", hidden + asked], check=True)


def test_outliers_are_marked_and_kept() -> None:
    """A marked value stays in the maximum and in the count."""
    values = [10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 10.1, 30.0]
    found = statistics.distribution(values)
    assert found is not None
    assert found.outliers == (7,)
    assert found.maximum == 30.0
    assert found.count == 8


def test_equal_values_have_no_outliers() -> None:
    """Without a scale there is nothing to be far from."""
    assert statistics.outliers([5.0] * 10 + [6.0]) == ()


def test_a_ratio_is_paired_by_round() -> None:
    """A disturbance that hits both sides of a round leaves the ratio and its interval alone."""
    base = [10.0 * (1 + (n % 7)) for n in range(21)]
    ratio = statistics.ratio_of_medians([2 * value for value in base], base)
    assert ratio is not None
    assert (ratio.estimate, ratio.low, ratio.high) == (2.0, 2.0, 2.0)


def test_a_failed_launch_takes_its_partner_out() -> None:
    """Pairs with a hole are left out on both sides."""
    assert statistics.paired([1.0, None, 3.0], [4.0, 5.0, None]) == ([1.0], [4.0])


def test_different_rounds_are_refused() -> None:
    """Values that were not measured together cannot be paired."""
    with pytest.raises(ValueError, match="zip"):
        statistics.ratio_of_medians([1.0] * 8, [1.0] * 9)


def test_too_few_rounds_have_no_interval() -> None:
    """Five pairs give no interval rather than a wrong one."""
    assert statistics.ratio_of_medians([1.0] * 5, [1.0] * 5) is None


def test_the_same_samples_give_the_same_interval() -> None:
    """An interval in the record can be recomputed from the result file."""
    source = random.Random(1)
    one = [source.lognormvariate(3, 0.1) for _ in range(20)]
    other = [source.lognormvariate(3, 0.1) for _ in range(20)]
    assert statistics.ratio_of_medians(one, other) == statistics.ratio_of_medians(one, other)


def test_ten_thousand_launches_are_resampled_in_blocks() -> None:
    """Blocks add up to all resamples, whatever the number of launches."""
    for count in (6, 20, 501, 10_000):
        assert sum(statistics._block_sizes(count)) == statistics.RESAMPLES


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [10, 20])
def test_the_stated_false_alarm_rate_holds(rounds: int) -> None:
    """Two equal programs come out different in no more than about 1 of 20 runs.

    300 simulated A/A runs with the skew and the outliers of real launches; 8 % allows for the
    simulation's own spread (3 standard deviations above 5 % would be 8.8 %).
    """
    source = random.Random(20260101)

    def launch_ms(disturbed: bool) -> float:
        outlier = 1.5 if source.random() < 0.05 else 1.0
        return 20.0 * source.lognormvariate(0, 0.05) * outlier * (1.3 if disturbed else 1.0)

    alarms = 0
    for _ in range(300):
        hits = [source.random() < 0.1 for _ in range(rounds)]
        one = [launch_ms(hit) for hit in hits]
        other = [launch_ms(hit) for hit in hits]
        ratio = statistics.ratio_of_medians(one, other)
        assert ratio is not None
        alarms += not ratio.covers(1.0)
    assert alarms / 300 <= 0.08


def test_a_difference_of_a_tenth_is_found() -> None:
    """20 rounds with 5 % of noise tell 1.10 from 1.0."""
    source = random.Random(7)
    base = [20.0 * source.lognormvariate(0, 0.05) for _ in range(20)]
    slower = [22.0 * source.lognormvariate(0, 0.05) for _ in range(20)]
    ratio = statistics.ratio_of_medians(slower, base)
    assert ratio is not None
    assert not ratio.covers(1.0)


def test_independent_runs_have_a_wider_interval_than_one_value() -> None:
    """Two runs of other rounds are resampled apart."""
    source = random.Random(3)
    one = [source.lognormvariate(3, 0.1) for _ in range(30)]
    ratio = statistics.ratio_of_independent_medians(one, one[::-1])
    assert ratio is not None
    assert ratio.estimate == 1.0
    assert ratio.low < 1.0 < ratio.high
