"""packaging-spike as an installed tool: the two lines of a repository of one's own begin here.

``tasks.py``::

    from packaging_spike import tasks
    namespace = tasks.program(__file__)

``noxfile.py``::

    from packaging_spike import sessions
    sessions.declare(__file__)

This is the only name that the wheel puts beside other distributions. What it brings, modules and
data, lies below :data:`TOOL` as it does in a checkout, and is found only by a process that works
for a project.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NoReturn

_HERE = Path(__file__).resolve().parent

TOOL = _HERE / "tool" if (_HERE / "tool").is_dir() else _HERE.parent
"""Folder of what the tool brings; in a checkout that is the checkout."""

NAMES = ("spike", "benchmarks", "decision", "commands")
"""The packages below :data:`TOOL` that are imported by these names."""


def bring(project_file: str, names: tuple[str, ...] = NAMES) -> None:
    """Make the tool's packages importable in this process, before anybody else's.

    Modules of the same names cannot be in one process, whatever the order. So this process ends
    with an error when the project's file needs others, and nothing is imported that was not meant.

    Args:
        project_file: The ``tasks.py`` or ``noxfile.py`` that asks for them.
        names: Those of :data:`NAMES` that this process needs.
    """
    file = Path(project_file)
    taken = {name: place for name in names if (place := _other(name))}
    taken |= {name: file.name for name in _imported(file) if name in names and name not in taken}
    if taken:
        _refuse(file, taken)
    if file.resolve().parent != TOOL:
        sys.dont_write_bytecode = True  # below a tool that another project uses, nothing is written
    if str(TOOL) in sys.path:
        sys.path.remove(str(TOOL))
    sys.path.insert(0, str(TOOL))


def _other(name: str) -> str:
    """Where a module of this name that is loaded already and not the tool's lies; else empty."""
    module = sys.modules.get(name)
    if module is None:
        return ""
    places = [*getattr(module, "__path__", []), getattr(module, "__file__", None) or ""]
    place = next(filter(None, places), "a built-in module")
    return "" if Path(place).resolve().is_relative_to(TOOL) else str(place)


def _imported(file: Path) -> set[str]:
    """The top-level names that a project's file imports by itself; none of the tool's own file."""
    if file.resolve().parent == TOOL:
        return set()
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {item.name.partition(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _refuse(file: Path, taken: dict[str, str]) -> NoReturn:
    listed = ", ".join(f"{name} ({place})" for name, place in taken.items())
    print(  # noqa: T201 - nothing of ours that could say it may be imported
        f"error: {file.name} needs modules of its own that are called as packages of "
        f"packaging-spike are: {listed}. One process can have only one of each. Try: "
        f"packaging-spike init measure, which puts a {file.name} of two lines into a folder of "
        "its own; run invoke and nox there",
        file=sys.stderr,
    )
    sys.exit(2)
