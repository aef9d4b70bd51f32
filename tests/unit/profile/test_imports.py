"""From the notes of a program to the tree of its imports."""

from __future__ import annotations

import pytest

from spike.profile import imports


def line(name: str, depth: int, took: float, *, thread: int = 1, by: str = "main.py\t3") -> str:
    return f"load\t{thread}\t{depth}\t{took}\t{name}\t/lib/{name}.py\t{by}"


NOTES = [
    line("b", 1, 20.0, by="a.py\t7"),
    "gc\t12.0",
    line("c", 1, 30.0, by="a.py\t8"),
    line("a", 0, 100.0),
    line("late", 0, 5.0, thread=2),
    line("d", 0, 10.0),
]


def test_a_module_stands_above_what_it_imports_first() -> None:
    """Its own time is what its imports leave of it; threads do not mix."""
    a, d, late = imports.parse(NOTES)
    assert (a.name, d.name, late.name) == ("a", "d", "late")
    assert [child.name for child in a.children] == ["b", "c"]
    assert (a.self_us, a.total_us) == (50.0, 100.0)
    assert (a.file, a.by) == ("/lib/a.py", ("main.py", 3))
    assert imports.parse(["nonsense", ""]) == ()


def test_times_are_medians_over_the_runs() -> None:
    """One slow run changes nothing."""
    times = ((2, 10), (4, 10), (90, 99))
    runs = [imports.parse([line("b", 1, b), line("a", 0, a)]) for b, a in times]
    (root,) = imports.medians(runs)
    assert (root.self_us, root.children[0].self_us) == (8.0, 4.0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("c", ["a  (main.py:3)", "  c  (a.py:8)"]), ("d", ["d"]), ("ssl", [])],
)
def test_who_brings_a_module_in(name: str, expected: list[str]) -> None:
    """From the program down to it."""
    places = {"a": "main.py:3", "c": "a.py:8"}
    assert imports.chain(name, imports.parse(NOTES), places) == expected
