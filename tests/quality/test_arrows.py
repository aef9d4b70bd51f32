"""Arrows go one way: what a package or a room may import lies below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT

PACKAGES = ("spike", "benchmarks", "decision", "commands", "packaging_spike")
"""From the lowest to the highest. Below all of them stands nothing of ``tests/``."""

ROOMS = (
    *("core", "project", "packagers", "launch", "contract", "issue_log", "completeness"),
    *("faststart", "build", "measure", "profile", "signing", "host", "installed", "wine"),
    "scaffold",
)
"""Of ``spike/``, likewise."""


def imported(path: Path) -> Iterator[str]:
    """Names of the modules that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{item.name}" for item in node.names)


def upward(folder: Path, order: tuple[str, ...], within: tuple[str, ...] = ()) -> dict[str, str]:
    """Files that import from above, and what.

    Args:
        folder: Has a folder for each name of the order.
        order: The names from the lowest to the highest.
        within: Parts of a module's name before the one that is ordered.
    """
    found = {}
    for number, name in enumerate(order):
        above = {*order[number + 1 :], "tests", "tasks", "noxfile"}
        for path in (folder / name).rglob("*.py"):
            if "template" in path.parts:  # of a new application
                continue
            for module in imported(path):
                parts = tuple(module.split("."))
                inner = parts[len(within) :] if parts[: len(within)] == within else parts[:1]
                if inner and inner[0] in above:
                    found[path.relative_to(folder).as_posix()] = module
    return found


def test_packages_import_downward() -> None:
    """Tasks compose commands, commands call decision, decision reads benchmarks, these spike."""
    assert upward(ROOT, PACKAGES) == {}


def test_rooms_import_downward() -> None:
    """What runs in a packager's environment knows nothing of measuring, and so on."""
    assert upward(ROOT / "spike", ROOMS, ("spike",)) == {}


def test_every_room_has_its_floor() -> None:
    """A new room is put into the order above, or it is in none."""
    there = {path.parent.name for path in (ROOT / "spike").glob("*/__init__.py")}
    assert there == set(ROOMS)


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("import spike.host", "spike.host"),
        ("from spike.measure import results", "spike.measure.results"),
        ("from spike import build", "spike.build"),
        ("def f():\n    from tests import sidecars", "tests.sidecars"),
        ("from spike.core import errors", None),
        ("from spike.project import sidecar", None),
    ],
)
def test_an_arrow_upward_is_found(tmp_path: Path, line: str, module: str | None) -> None:
    """In any form, and none is seen in one that goes down."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "one.py").write_text(f"{line}\n")
    expected = {"project/one.py": module} if module else {}
    assert upward(tmp_path, ROOMS, ("spike",)) == expected
