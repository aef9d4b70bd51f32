"""Which of the imports that could wait do wait."""

from __future__ import annotations

from collections.abc import Iterable

from spike.faststart.choice import Choice, choose, worth
from spike.faststart.statements import Statement
from spike.faststart.trials import Notes


def statement(line: int) -> Statement:
    return Statement(line=line, end_line=line, code="", names=("x",), targets=("x",), uses=())


def chosen(
    imports: Iterable[tuple[str, int, str]],
    could: Iterable[tuple[str, int]],
    *,
    effects: Iterable[tuple[str, str]] = (),
    used: Iterable[tuple[str, int]] = (),
    kept: dict[str, str] | None = None,
) -> tuple[set[tuple[str, int]], Choice]:
    imports = list(imports)
    names = ["__main__"] + [name for one, _, two in imports for name in (one, two) if name]
    packages = [name[: name.index(".")] for name in names if "." in name]
    candidates: dict[str, list[Statement]] = {}
    for module, line in could:
        candidates.setdefault(module, []).append(statement(line))
    found = choose(
        Notes(
            modules=dict.fromkeys([*names, *packages], "file"),
            imports=frozenset(imports),
            effects=frozenset(effects),
        ),
        candidates,
        used=set(used),
        kept=kept,
    )
    put_off = {(name, each.line) for name, many in found.statements.items() for each in many}
    return put_off, found


MAIN = ("__main__", 1, "a")


def test_what_nothing_else_loads_waits() -> None:
    """And with it whatever only it brings."""
    put_off, found = chosen([MAIN, ("a", 1, "b"), ("b", 1, "c")], [("a", 1), ("b", 1)])
    assert put_off == {("a", 1)}  # b itself is not loaded, so nothing in it needs to wait
    assert found.spared == {"b", "c"}
    assert found.loaded == {"__main__", "a"}


def test_what_is_loaded_anyway_is_imported_as_always() -> None:
    """Whoever does it: the script, another library, or code that runs meanwhile."""
    for other in (("__main__", 2, "b"), ("a", 2, "b"), ("a", 0, "b"), ("", 0, "b")):
        put_off, found = chosen([MAIN, ("a", 1, "b"), other], [("a", 1)])
        assert put_off == set()
        assert found.spared == set()


def test_all_who_import_a_module_have_to_wait() -> None:
    """One alone gains nothing."""
    imports = [MAIN, ("a", 1, "b"), ("a", 2, "d"), ("d", 1, "b")]
    assert chosen(imports, [("a", 1)])[0] == set()
    assert chosen(imports, [("a", 1), ("d", 1)])[0] == {("a", 1), ("d", 1)}


def test_what_ready_needs_does_not_wait() -> None:
    """Nor does what it brings."""
    imports = [MAIN, ("a", 1, "b"), ("b", 1, "c"), ("a", 2, "c")]
    put_off, found = chosen(imports, [("a", 1), ("a", 2), ("b", 1)], used=[("a", 1)])
    assert put_off == {("a", 2), ("b", 1)}
    assert found.spared == {"c"}


def test_an_import_that_changes_something_is_executed_as_always() -> None:
    """With all that leads to it."""
    imports = [MAIN, ("a", 1, "b"), ("b", 1, "c"), ("a", 2, "d")]
    put_off, found = chosen(
        imports, [("a", 1), ("b", 1), ("a", 2)], effects=[("c", "warnings.filters")]
    )
    assert put_off == {("a", 2)}
    assert found.kept == {"c": "its import changes warnings.filters"}


def test_what_others_rely_on_is_there() -> None:
    """As the scan of the sources has found."""
    put_off, found = chosen([MAIN, ("a", 1, "b")], [("a", 1)], kept={"b": "x uses it"})
    assert put_off == set()
    assert found.kept == {"b": "x uses it"}


def test_circles_are_loaded_as_always() -> None:
    """Two threads could come to them by different ways."""
    imports = [MAIN, ("a", 1, "b"), ("b", 1, "c"), ("c", 1, "b"), ("a", 2, "d")]
    put_off, found = chosen(imports, [("a", 1), ("a", 2)])
    assert put_off == {("a", 2)}
    assert set(found.kept) == {"b", "c"}


def test_a_module_brings_its_packages() -> None:
    """A part of a package cannot be loaded without it."""
    imports = [MAIN, ("a", 1, "p.q"), ("a", 2, "p")]
    put_off, found = chosen(imports, [("a", 2)])
    assert put_off == set()
    put_off, found = chosen(imports, [("a", 1), ("a", 2)])
    assert put_off == {("a", 1), ("a", 2)}
    assert found.spared == {"p", "p.q"}


def test_a_statement_that_was_not_executed_stays() -> None:
    """Nothing is known of it."""
    assert chosen([MAIN], [("a", 7)])[0] == set()


def test_the_order_of_notes_changes_nothing() -> None:
    """The same choice each time."""
    imports = [MAIN, ("a", 1, "b"), ("b", 1, "c"), ("a", 2, "d"), ("d", 1, "c")]
    could = [("a", 1), ("a", 2)]
    assert chosen(imports, could) == chosen(reversed(imports), could)


def test_who_imports_only_what_is_there_anyway_is_not_looked_at() -> None:
    """And nothing that could be chosen is passed over."""
    imports = [MAIN, ("a", 1, "b"), ("b", 1, "c"), ("a", 2, "d"), ("d", 1, "e"), ("", 0, "e")]
    names = {name for one, _, two in imports for name in (one, two)}
    notes = Notes(modules=dict.fromkeys(names, "file"), imports=frozenset(imports))
    assert worth(notes, names - {"__main__", ""}) == {"a", "b"}
    assert worth(notes, {"b"}) == {"b"}
    assert worth(notes, ()) == frozenset()
