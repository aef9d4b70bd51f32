"""Words that the summary sentences of several benchmarks share. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from spike.core.statistics import binomial_interval
from spike.core.tables import percent
from spike.measure.results import Result


def variants_in(result: Result) -> list[str]:
    """The variants of a result that have samples, without baselines and our own programs."""
    sampled = {sample["target"] for sample in result.samples}
    return [
        name
        for name, facts in result.targets.items()
        if facts["kind"] == "variant" and name in sampled
    ]


def counted(number: int, noun: str) -> str:
    """``1 variant``, ``10 variants``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ends(values: Mapping[str, float | None], shown: Callable[[float], str]) -> str:
    """The smallest and the largest with their names: ``9.65 ms (one) to 220 ms (other)``."""
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return "not measured"
    least = min(known, key=lambda name: known[name])
    most = max(known, key=lambda name: known[name])
    first = f"{shown(known[least])} ({least})"
    return first if least == most else f"{first} to {shown(known[most])} ({most})"


def failures(counts: Mapping[str, tuple[int, int]], noun: str = "launch") -> str:
    """How many launches failed of how many, and what that proves.

    Args:
        counts: Failed launches and launches, by variant.
        noun: What is counted.
    """
    failed = sum(bad for bad, _ in counts.values())
    total = sum(launches for _, launches in counts.values())
    text = f"{failed} of {total} {noun}es of {counted(len(counts), 'variant')} failed"
    if not failed:
        fewest = min((launches for _, launches in counts.values()), default=0)
        _, high = binomial_interval(0, fewest)
        proved = f"0 of {fewest} of one variant means at most {percent(high)} with 95 % confidence"
        return f"{text}; {proved}"
    return f"{text}: " + ", ".join(
        f"{name} {bad} of {launches}" for name, (bad, launches) in counts.items() if bad
    )


def number_of(values: Sequence[int]) -> str:
    """``20`` when all are the same, else ``18 to 20``."""
    low, high = min(values, default=0), max(values, default=0)
    return str(low) if low == high else f"{low} to {high}"
