"""Garbage collection held off until READY: an option of the sidecar that works with any packager.

The staged copy of the entry script gets one more import, in front of everything else, on a line
that is there already: the program's own line numbers, and so its tracebacks, stay as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from spike.packagers.recipe import STAGED
from spike.project.sidecar import Sidecar

MODULE = "sidecar_defer_gc"
_SOURCE = Path(__file__).parents[1] / "staged" / f"{MODULE}.py"


def files(sidecar: Sidecar, *, always: bool = False) -> Mapping[Path, str]:
    """The files to stage: the module and the changed entry script; none when not asked for."""
    if not (sidecar.hold_gc or always):
        return {}
    entry = STAGED / sidecar.entry
    module = _SOURCE.read_text(encoding="utf-8")
    script = (sidecar.folder / sidecar.entry).read_text(encoding="utf-8")
    return {
        entry: with_import_first(script, MODULE),
        entry.with_name(f"{MODULE}.py"): module.replace(
            'READY = "READY"', f"READY = {sidecar.ready!r}"
        ),
    }


def with_import_first(source: str, module: str) -> str:
    """Add ``import module`` before a script's first statement without moving a line.

    Its docstring and its ``from __future__`` imports have to stay first. A script whose first
    statement is a block and that has nothing before it gets a line more.

    Raises:
        SyntaxError: The script is not Python.
    """
    lines = source.splitlines(keepends=True)
    last_of_head: ast.stmt | None = None
    for index, statement in enumerate(ast.parse(source).body):
        docstring = index == 0 and isinstance(statement, ast.Expr) and _is_text(statement.value)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if docstring or future:
            last_of_head = statement
            continue
        if last_of_head is None and not hasattr(statement, "body"):
            first = statement.lineno - 1
            column = len(lines[first].encode()[: statement.col_offset].decode())
            lines[first] = f"{lines[first][:column]}import {module}; {lines[first][column:]}"
            return "".join(lines)
        break
    if last_of_head is None:
        # Behind a "#!" and an encoding line, which have to be the first two.
        place = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
        return "".join([*lines[:place], f"import {module}\n", *lines[place:]])
    end = (last_of_head.end_lineno or last_of_head.lineno) - 1
    encoded = lines[end].encode()
    cut = last_of_head.end_col_offset or 0
    before, after = encoded[:cut].decode(), encoded[cut:].decode()
    lines[end] = f"{before}; import {module}{after}"
    return "".join(lines)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
