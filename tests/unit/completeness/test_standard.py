"""What of Python itself a program lacks."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from spike.completeness import standard, used
from spike.core import process
from spike.packagers.recipe import Shipped


@pytest.mark.parametrize(
    ("shipped", "exclude", "names"),
    [
        ((), (), ("colorsys", "timeit")),
        (("timeit",), (), ("colorsys",)),
        ((), ("colorsys",), ("timeit",)),
        (("timeit",), ("colorsys",), ()),
    ],
)
def test_a_module_of_python_that_is_loaded_by_name_is_missed(
    shipped: tuple[str, ...], exclude: tuple[str, ...], names: tuple[str, ...]
) -> None:
    """Though the program catches that it is not there; not what every script has."""
    with used.notebook() as (env, file):
        code = "for name in ('colorsys', 'timeit'): __import__(name)"
        assert process.capture([sys.executable, "-c", code], env=env).ok
        notes = used.read(file)
    has = Shipped(modules=frozenset(shipped), files=frozenset(), tells_standard=True)
    found = list(standard.gaps(notes, standard.bare(), has, exclude))
    assert [value for gap in found for value in gap.values] == list(names)
    assert all(gap.certain and gap.key == "hidden_imports" for gap in found)
    assert not list(standard.gaps(notes, standard.bare(), replace(has, tells_standard=False), ()))
