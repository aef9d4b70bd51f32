"""What of Python itself a program lacks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

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


def test_what_a_missing_module_imports_comes_along_with_it(tmp_path: Path) -> None:
    """Only what a text names is told in the same build: PyLSP has a list of what to load early."""
    (tmp_path / "main.py").write_text("import late\n", encoding="utf-8")
    code = "def f():\n    from wave import open as o\nimport colorsys as c\nNAMES = ['timeit']\n"
    (tmp_path / "late.py").write_text(
        f"{code}f()\n__import__(NAMES[0])\n",
        encoding="utf-8",
    )
    with used.notebook() as (env, file):
        assert process.capture([sys.executable, str(tmp_path / "main.py")], env=env).ok
        notes = used.read(file)
    has = Shipped(modules=frozenset(), files=frozenset(), tells_standard=True)
    (gap,) = standard.gaps(notes, standard.bare(), has, (), notes.modules)
    assert gap.values == ("timeit",)
