"""Imports that name where a thing is defined: the same objects, and no other line touched."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from spike.packagers.analysis import direct_imports, module_graph

pytestmark = pytest.mark.slow

PASSED_ON = "from functools import reduce\n"


def test_what_a_module_passes_on_is_imported_from_where_it_is_defined() -> None:
    """The module functools has reduce from _functools; wraps is its own."""
    assert direct_imports.edits(PASSED_ON) == {1: "from _functools import reduce"}
    assert direct_imports.edits("from functools import wraps\n") == {}
    assert direct_imports.edits("from functools import reduce as r, wraps\n") == {
        1: "from _functools import reduce as r; from functools import wraps"
    }


@pytest.mark.parametrize(
    "source",
    [
        "from functools import *\n",
        "from .functools import reduce\n",
        "from . import reduce\n",
        "import functools\n",
        "from nowhere import reduce\n",
        "from functools import nothing\n",
        "if x: from functools import reduce\n",
        "x = 1; from functools import reduce\n",
        "from functools import reduce; x = 1\n",
    ],
)
def test_what_is_not_certain_stays(source: str) -> None:
    """Relative and star imports, names that are not there, and lines shared with something else."""
    assert direct_imports.edits(source) == {}


def test_every_other_line_keeps_its_number() -> None:
    """A traceback names the line that the original has; a form feed is not the end of a line."""
    source = (
        "a = 1\n\x0c\ndef f():\n    from functools import (  # why\n        reduce,\n    )\n    b\n"
    )
    changed = direct_imports.apply(source, direct_imports.edits(source))
    assert changed.split("\n")[3:] == ["    from _functools import reduce", "", "", "    b", ""]
    assert len(changed.split("\n")) == len(source.split("\n"))


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there enum imports no functools")
def test_enum_does_without_functools() -> None:
    """What this is for: signal imports enum, enum imported functools, functools collections."""
    entry = ROOT / "sidecar" / "main.py"
    edits = module_graph.of(entry, direct_imports=True).edits
    assert "from _functools import reduce" in edits["enum"].values()
    assert "enum" not in module_graph.of(entry, direct_imports=True, ready_made=["enum"]).edits
    assert not module_graph.of(entry).edits


def test_the_programs_own_imports_stay(tmp_path: Path) -> None:
    """Only the standard library is changed: of it we know what its modules hold."""
    script = tmp_path / "program.py"
    script.write_text(PASSED_ON)
    found = module_graph.of(script, direct_imports=True)
    assert "functools" in found.modules
    assert "__main__" not in found.edits


def test_all_of_the_standard_library_still_gets_the_same_objects(tmp_path: Path) -> None:
    """Every statement that would be changed in anything that these modules reach."""
    script = tmp_path / "program.py"
    script.write_text("import asyncio, dataclasses, http.server, inspect, json, logging, pickle\n")
    found = module_graph.of(script, direct_imports=True)
    assert len(found.edits) > 20
    for name, edits in found.edits.items():
        path = found.modules[name].file
        assert path is not None
        ast.parse(direct_imports.apply(path.read_text(encoding="utf-8"), edits))
        for text in filter(None, edits.values()):
            for statement in ast.parse(text.strip()).body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.module is not None
                if statement.module not in sys.builtin_module_names:
                    continue
                there = importlib.import_module(statement.module)
                here = importlib.import_module(statement.module.removeprefix("_"))
                for item in statement.names:
                    assert getattr(here, item.name) is getattr(there, item.name), (name, text)
