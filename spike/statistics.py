"""Statistics of samples: pure functions over numbers.

scipy is imported where it is used, because listing the tasks must not wait for it.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

CONFIDENCE = 0.95


def binomial_interval(failures: int, launches: int) -> tuple[float, float]:
    """Exact (Clopper-Pearson) 95 % interval of a failure rate, as two fractions.

    20 of 20 good launches leave up to 16.8 % of failures possible.

    Raises:
        ValueError: ``launches`` is not positive, or ``failures`` is not within it.
    """
    from scipy.stats import binomtest

    interval = binomtest(failures, launches).proportion_ci(CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)


def median(values: Sequence[float]) -> float | None:
    """The median; None of no values."""
    return statistics.median(values) if values else None
