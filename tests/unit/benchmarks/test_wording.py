"""Sentences say what a count is of, and do not fall over when there is little to say."""

from __future__ import annotations

from benchmarks import wording
from spike.core.tables import megabytes
from tests.support.evidence import result


def test_the_ends_of_values_carry_their_names() -> None:
    """Of one value there is one end, and of none the word for it."""
    values = {"one": 2e6, "other": 7e6, "third": None}
    assert wording.ends(values, megabytes) == "2.0 MB (one) to 7.0 MB (other)"
    assert wording.ends({"one": 2e6}, megabytes) == "2.0 MB (one)"
    assert wording.ends({"one": 2e6, "other": 2e6}, megabytes) == "2.0 MB (one)"
    assert wording.ends({"one": None}, megabytes) == "not measured"


def test_no_failure_says_what_it_proves_for_one_variant() -> None:
    """Of the fewest launches, since that is what holds for each."""
    assert wording.failures({"one": (0, 20), "other": (0, 30)}) == (
        "0 of 50 launches of 2 variants failed; 0 of 20 of one variant means at most 16.8 % with "
        "95 % confidence"
    )


def test_failures_are_counted_by_variant() -> None:
    """Those without any are not named."""
    assert wording.failures({"one": (0, 20), "other": (3, 20)}) == (
        "3 of 40 launches of 2 variants failed: other 3 of 20"
    )


def test_one_is_singular_and_numbers_that_differ_are_a_range() -> None:
    """Plain English."""
    assert wording.counted(1, "variant") == "1 variant"
    assert wording.counted(10, "variant") == "10 variants"
    assert wording.number_of([20, 20]) == "20"
    assert wording.number_of([18, 20]) == "18 to 20"
    assert wording.number_of([]) == "0"


def test_variants_are_those_with_samples() -> None:
    """Neither baselines nor our own programs, nor what a run has not come to."""
    found = result("size", [{"target": "nuitka-onefile"}], "nuitka-onefile", "nuitka-lean")
    assert wording.variants_in(found) == ["nuitka-onefile"]
