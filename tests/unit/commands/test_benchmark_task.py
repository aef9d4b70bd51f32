"""A task that is made from an entry of the registry: its options, their short forms, its help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.definition import SEED, Option, Rows
from benchmarks.registry import BENCHMARKS
from commands.benchmark_task import helps, numbers, task_of
from spike.core.errors import UsageError
from tests.support import toy_benchmark

TOY = toy_benchmark.ENTRY


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["launches", "sidecar"]),
        ({"any_sidecar": False}, ["launches"]),
        ({"rows": Rows.ALL}, ["variant", "launches", "sidecar", "python"]),
        ({"rows": Rows.VARIANTS, "any_sidecar": False}, ["variant", "launches", "python"]),
        (
            {"rows": Rows.VARIANTS, "why_no_python": "It has none."},
            ["variant", "launches", "sidecar"],
        ),
        ({"rows": Rows.PYTHONS}, ["variant", "launches", "sidecar"]),
        ({"options": (*TOY.options, SEED)}, ["launches", "sidecar", "seed"]),
        ({"shows_problems": True}, ["launches", "sidecar", "draft"]),
    ],
)
def test_a_task_has_the_options_that_its_benchmark_can_use(
    changes: dict[str, object], names: list[str]
) -> None:
    """No --variant for what measures none, no --python for what measures all, and so on."""
    made = task_of(replace(TOY, **changes))  # type: ignore[arg-type]
    assert {found.name for found in made.get_arguments()} == set(names)
    assert set(helps(replace(TOY, **changes))) == set(names)  # type: ignore[arg-type]


def test_the_short_form_s_is_the_sidecar_and_not_the_seed() -> None:
    """It is typed more often."""
    seeded = task_of(replace(TOY, options=(*TOY.options, SEED)))
    short = {found.nicknames[0]: found.name for found in seeded.get_arguments() if found.nicknames}
    assert short["s"] == "sidecar"


def test_a_task_says_what_its_entry_says() -> None:
    """Its line in ``invoke --list``, its name, and each default."""
    made = task_of(TOY)
    assert made.name == "toy"
    assert (made.__doc__ or "").strip() == "Count to three."
    defaults = {found.name: found.default for found in made.get_arguments()}
    assert defaults == {"launches": "3", "sidecar": "sidecar"}


def test_a_task_without_a_sidecar_says_why() -> None:
    """In its help; its line in the list stays one."""
    made = task_of(replace(TOY, any_sidecar=False, why_hello="it asks nobody."))
    first, *rest = (made.__doc__ or "").strip().splitlines()
    assert first == "Count to three."
    assert rest[-1] == "Takes no --sidecar: it asks nobody."
    both = replace(TOY, any_sidecar=False, why_hello="it asks nobody.", why_no_python="no one.")
    assert both.explained.splitlines()[2:] == [
        *("Takes no --sidecar: it asks nobody.", "", "Takes no --python: no one.")
    ]


def test_options_are_read_in_their_own_ranges() -> None:
    """And the error names the option."""
    soak = BENCHMARKS["soak"]
    assert numbers(soak, {"minutes": "2", "seed": "0"}) == {"minutes": 2, "seed": 0}
    assert numbers(soak, {"minutes": "2"}) == {"minutes": 2}
    with pytest.raises(UsageError, match="--minutes takes a whole number from 1 to 10000"):
        numbers(soak, {"minutes": "0", "seed": "1"})
    with pytest.raises(UsageError, match="--seed takes a whole number from 0"):
        numbers(soak, {"minutes": "1", "seed": "-1"})


def test_an_option_that_is_not_given_keeps_its_default() -> None:
    """The default stands in the registry alone."""
    option = Option(name="rounds", help="rounds", default=7)
    assert replace(TOY, options=(option,)).defaults == {"rounds": 7}
