"""Imports that name where a thing is defined, in place of a module that only passes it on.

``enum`` says ``from functools import reduce``. ``functools`` has that from the built-in module
``_functools``, and importing it brings ``collections``, ``reprlib`` and more along: a sixth of a
small program's start. ``from _functools import reduce`` gives the same object without them.

Only statements of the standard library are changed, and only for names of which the packaged
interpreter says that both modules hold the very same object.

Standard library only: it runs in the Python that is packaged.
"""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Mapping


@functools.cache
def definer(module: str, name: str) -> str:
    """The built-in module that a name of a module comes from; empty when there is none.

    By CPython's convention (PEP 399) that is the one of the same name with an underscore.
    """
    builtin = f"_{module}"
    if builtin not in sys.builtin_module_names:
        return ""
    nothing = object()
    here = getattr(importlib.import_module(module), name, nothing)
    there = getattr(importlib.import_module(builtin), name, None)
    return builtin if here is there else ""


def edits(source: str) -> dict[int, str]:
    """Lines to be replaced, by number from 1, so that every other line keeps its number.

    Raises:
        SyntaxError: The source is not Python.
        ValueError: It has a null character.
    """
    lines = source.split("\n")
    changed: dict[int, str] = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        before = lines[node.lineno - 1].encode()[: node.col_offset]
        after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].strip()
        if before.strip() or (after and not after.startswith(b"#")):
            continue  # it shares its line with something else
        places: dict[str, list[str]] = {}
        for item in node.names:
            place = definer(node.module, item.name) or node.module
            alias = f" as {item.asname}" if item.asname else ""
            places.setdefault(place, []).append(f"{item.name}{alias}")
        if list(places) == [node.module]:
            continue
        said = "; ".join(f"from {place} import {', '.join(what)}" for place, what in places.items())
        changed |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), "")
        changed[node.lineno] = before.decode() + said
    return changed


def apply(source: str, changed: Mapping[int, str]) -> str:
    """The source with lines replaced."""
    lines = source.split("\n")
    for number, text in changed.items():
        lines[number - 1] = text
    return "\n".join(lines)
