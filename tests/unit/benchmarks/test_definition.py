"""What an entry says of a benchmark and of its options."""

from __future__ import annotations

from benchmarks.definition import Option
from benchmarks.registry import BENCHMARKS


def test_a_run_that_is_too_small_is_kept_out_of_the_record() -> None:
    """Ten random lives prove nothing, and the record must not show them as the thousand."""
    chaos = BENCHMARKS["chaos"]
    assert chaos.is_partial({**chaos.defaults, "lifecycles": 10})
    assert not chaos.is_partial(chaos.defaults)
    assert not BENCHMARKS["reliability"].is_partial({"launches": 1, "seed": 1})


def test_an_option_explains_its_range_and_its_default() -> None:
    """It is what ``invoke --help`` shows."""
    option = Option(name="launches", help="launches of each variant", default=20, high=10_000)
    assert option.explained == "launches of each variant, 1 to 10000 (default 20)"
