"""Statistics of samples: pure functions over numbers.

Launch times are skewed to the right and have outliers with causes of their own, so everything here
rests on medians and on resampling, nothing on a normal distribution. Outliers are marked and kept.

numpy is imported where there are rounds to resample: listing the tasks must not wait for it, and
under Wine, where it does not start, there are no times.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95

RESAMPLES = 4000
"""Bootstrap resamples: an end of the interval then moves by less than a twentieth of the interval's
width from seed to seed (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13,
asks for at least 1000)."""

BOOTSTRAP_SEED = 20_260_101
"""Fixed, so that the same samples give the same interval wherever they are read."""

MIN_ROUNDS = 6
"""Fewer pairs give no interval: the bootstrap of a median of 5 values can only repeat those 5."""

OUTLIER_Z = 3.5
"""Modified z-score above which a value is marked (Iglewicz and Hoaglin, How to Detect and Handle
Outliers, 1993)."""

_BLOCK_VALUES = 2_000_000
"""Values resampled at a time: 10 000 launches must not ask for gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A 95 % interval of an estimate.

    Attributes:
        estimate: The value found.
        low: Lower end.
        high: Upper end.
    """

    estimate: float
    low: float
    high: float

    def covers(self, value: float) -> bool:
        """Whether ``value`` is within the interval, ends included."""
        return self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Values in figures; the unit is the values' own.

    Attributes:
        count: Number of values.
        median: Their median.
        minimum: The smallest.
        maximum: The largest.
        first_quartile: A quarter of them is at or below it.
        third_quartile: Three quarters are at or below it.
        outliers: Positions of the values that are marked; they are part of every other figure.
    """

    count: int
    median: float
    minimum: float
    maximum: float
    first_quartile: float
    third_quartile: float
    outliers: tuple[int, ...]

    @property
    def spread(self) -> float:
        """Interquartile range as a fraction of the median."""
        return (self.third_quartile - self.first_quartile) / self.median if self.median else 0.0


@functools.cache  # the same few counts stand in every table
def binomial_interval(failures: int, launches: int) -> tuple[float, float]:
    """Exact 95 % interval of a failure rate, as two fractions (Clopper and Pearson, 1934).

    Its ends are the rates at which as many failures, or as few, have a chance of 2.5 %. 20 of 20
    good launches leave up to 16.8 % of failures possible. A dozen lines here stand for a library of
    100 MB, whose import takes longer than the rest of a second run.

    Raises:
        ValueError: ``launches`` is not positive, or ``failures`` is not within it.
    """
    if launches < 1 or not 0 <= failures <= launches:
        raise ValueError(f"{failures} failures of {launches} launches")
    if failures > launches - failures:  # the short tail is the quick one
        low, high = binomial_interval(launches - failures, launches)
        return 1 - high, 1 - low
    tail = (1 - CONFIDENCE) / 2

    def rate_where(count: int, chance: float) -> float:
        """The rate at which ``count`` failures or fewer have that chance."""
        low, high = 0.0, 1.0
        for _ in range(60):  # halvings: the last bit of a float
            middle = (low + high) / 2
            low, high = (
                (middle, high) if _at_most(count, launches, middle) > chance else (low, middle)
            )
        return (low + high) / 2

    return rate_where(failures - 1, 1 - tail) if failures else 0.0, rate_where(failures, tail)


def _at_most(count: int, launches: int, rate: float) -> float:
    """Chance of ``count`` failures or fewer; by logarithms, since the factors leave a float."""
    good, bad = math.log1p(-rate), math.log(rate)
    return math.fsum(
        math.exp(
            math.lgamma(launches + 1)
            - math.lgamma(number + 1)
            - math.lgamma(launches - number + 1)
            + number * bad
            + (launches - number) * good
        )
        for number in range(count + 1)
    )


def success_claim(failures: int, launches: int) -> str:
    """What a count of good launches proves, in words: ``20 of 20 good: at least 83 %``.

    The bound is the lower end of the exact 95 % interval, rounded down.

    Raises:
        ValueError: As :func:`binomial_interval`.
    """
    _low, high = binomial_interval(failures, launches)
    # 1 - high of 0 failures in 20 is 0.8315...; rounding down never claims more than was seen.
    permille = int((1.0 - high) * 1000)
    bound = f"{permille // 10}" if permille < 990 else f"{permille / 10:.1f}"
    return f"{launches - failures} of {launches} good: at least {bound} %"


def median(values: Sequence[float]) -> float | None:
    """The median; None of no values."""
    return statistics.median(values) if values else None


def distribution(values: Sequence[float]) -> Distribution | None:
    """Quartiles, ends and outliers of values; None of no values."""
    if not values:
        return None
    ordered = sorted(values)
    if len(ordered) == 1:
        first = third = ordered[0]
    else:
        first, _, third = statistics.quantiles(ordered, n=4, method="inclusive")
    return Distribution(
        count=len(ordered),
        median=statistics.median(ordered),
        minimum=ordered[0],
        maximum=ordered[-1],
        first_quartile=first,
        third_quartile=third,
        outliers=outliers(values),
    )


def outliers(values: Sequence[float]) -> tuple[int, ...]:
    """Positions of the values whose modified z-score is above :data:`OUTLIER_Z`.

    The score is 0.6745 times the distance from the median over the median of those distances. When
    more than half of the values are equal there is no scale, and nothing is marked.
    """
    if len(values) < MIN_ROUNDS:
        return ()
    middle = statistics.median(values)
    scale = statistics.median(abs(value - middle) for value in values)
    if scale == 0:
        return ()
    return tuple(
        position
        for position, value in enumerate(values)
        if 0.6745 * abs(value - middle) / scale > OUTLIER_Z
    )


def paired(
    one: Sequence[float | None], other: Sequence[float | None], *, per_round: int = 1
) -> tuple[list[float], list[float]]:
    """The rounds in which both have every value; a failed launch takes its round out with it.

    Args:
        one: Values in the order of the rounds, ``per_round`` of each.
        other: Likewise.
        per_round: Values of each in one round; a last round that is not whole is left out.

    Raises:
        ValueError: The two do not have the same number of rounds.
    """
    pairs = list(zip(one, other, strict=True))
    left: list[float] = []
    right: list[float] = []
    for start in range(0, len(pairs) - per_round + 1, per_round):
        taken = pairs[start : start + per_round]
        both = [(a, b) for a, b in taken if a is not None and b is not None]
        if len(both) == per_round:
            left += [a for a, _ in both]
            right += [b for _, b in both]
    return left, right


def ratio_of_medians(
    one: Sequence[float | None], other: Sequence[float | None], *, seed: int = BOOTSTRAP_SEED
) -> Interval | None:
    """``median(one) / median(other)`` with its 95 % interval; see :func:`_of_rounds`."""
    return _of_rounds(one, other, _ratio, seed=seed)


def difference_of_medians(
    one: Sequence[float | None],
    other: Sequence[float | None],
    *,
    per_round: int = 1,
    seed: int = BOOTSTRAP_SEED,
) -> Interval | None:
    """``median(one) - median(other)`` with its 95 % interval; see :func:`_of_rounds`."""
    return _of_rounds(one, other, _difference, per_round=per_round, seed=seed)


def median_difference(
    one: Sequence[float | None], other: Sequence[float | None], *, seed: int = BOOTSTRAP_SEED
) -> Interval | None:
    """Median of ``one - other`` of each round, with its interval; see :func:`_of_rounds`."""
    return _of_rounds(one, other, _difference_in_rounds, seed=seed)


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return _median_along(a) / _median_along(b)


def _difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return _median_along(a) - _median_along(b)


def _difference_in_rounds(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return _median_along(a - b)


def _median_along(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = np.median(values, axis=-1)
    return found


def _of_rounds(
    one: Sequence[float | None],
    other: Sequence[float | None],
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    *,
    per_round: int = 1,
    seed: int,
) -> Interval | None:
    """A statistic of two that were measured in the same rounds, with its 95 % interval.

    Percentile bootstrap over rounds: a resample draws rounds, and takes all values of each, so
    what disturbed a whole round disturbs both sides alike. Values of one round are more alike than
    those of two; drawn one by one they would promise too much (Field and Welsh, Bootstrapping
    Clustered Data, 2007). ``statistic`` works along the last axis.

    Returns:
        None for fewer than :data:`MIN_ROUNDS` rounds in which both have every value.

    Raises:
        ValueError: The two do not have the same number of rounds.
    """
    left, right = paired(one, other, per_round=per_round)
    if len(left) // per_round < MIN_ROUNDS:
        return None
    return _resampled(tuple(left), tuple(right), statistic, per_round, seed)


@functools.lru_cache(maxsize=1024)  # a summary, its table and the recommendation ask the same
def _resampled(
    left: tuple[float, ...],
    right: tuple[float, ...],
    statistic: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    per_round: int,
    seed: int,
) -> Interval:
    import numpy as np

    count = len(left) // per_round
    a, b = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    of_rounds = np.arange(len(left)).reshape(count, per_round)
    generator = np.random.default_rng(seed)
    found = np.concatenate(
        [
            statistic(a[rows], b[rows])
            for rows in (
                of_rounds[generator.integers(0, count, (size, count))].reshape(size, -1)
                for size in _block_sizes(count)
            )
        ]
    )
    low, high = np.quantile(found, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(estimate=float(statistic(a, b)), low=float(low), high=float(high))


def ratio_of_independent_medians(
    one: Sequence[float], other: Sequence[float], *, seed: int = BOOTSTRAP_SEED
) -> Interval | None:
    """``median(one) / median(other)`` of two runs, each resampled by itself.

    Returns:
        None when either has fewer than :data:`MIN_ROUNDS` values.
    """
    import numpy as np

    if min(len(one), len(other)) < MIN_ROUNDS:
        return None
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    generator = np.random.default_rng(seed)
    ratios = _medians(a, generator) / _medians(b, generator)
    low, high = np.quantile(ratios, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(estimate=float(np.median(a) / np.median(b)), low=float(low), high=float(high))


def _medians(values: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    return np.concatenate(
        [
            np.median(values[generator.integers(0, len(values), (size, len(values)))], axis=1)
            for size in _block_sizes(len(values))
        ]
    )


def _block_sizes(count: int) -> list[int]:
    block = max(1, min(RESAMPLES, _BLOCK_VALUES // count))
    sizes = [block] * (RESAMPLES // block)
    return [*sizes, RESAMPLES % block] if RESAMPLES % block else sizes
