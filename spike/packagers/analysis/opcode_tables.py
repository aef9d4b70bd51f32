"""A stand-in for ``_opcode`` where it is a file of its own, which a single file has no place for.

From 3.13 on ``opcode`` asks this extension module for tables that are constants of the interpreter,
and ``inspect`` cannot be imported without ``opcode``. The packaged interpreter is asked for them
now. What is no table is not there: ``dis.stack_effect`` says so, and executors (of a Python with a
just-in-time compiler) are refused as that module refuses them in a Python without.

Standard library only: it runs in the Python that is packaged.
"""

from __future__ import annotations

import importlib
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

REPLACED = frozenset({("opcode", "_opcode"), ("dis", "_opcode")})
"""Imports that the edits take out: importer and module."""

_TABLES = ("has_arg", "has_const", "has_name", "has_jump", "has_free", "has_local", "has_exc")
_LISTS = ("get_intrinsic1_descs", "get_intrinsic2_descs", "get_nb_ops")
_OPCODES = range(512)
"""Pseudo instructions begin at 256, and there are a dozen."""

_EXPECTED = {
    "opcode": ("import _opcode", "from _opcode import stack_effect"),
    "dis": ("from _opcode import get_executor",),
}


def edits() -> dict[str, dict[int, str]]:
    """Lines of ``opcode`` and ``dis`` to be replaced, by number from 1.

    Returns:
        Nothing where ``_opcode`` is built in, can be done without (up to 3.12), or the two modules
        do not look as expected.
    """
    if "_opcode" in sys.builtin_module_names or not hasattr(_opcode(), _TABLES[0]):
        return {}
    found: dict[str, dict[int, str]] = {}
    texts = {_EXPECTED["opcode"][0]: stand_in(), _EXPECTED["opcode"][1]: _NO_STACK_EFFECT}
    texts[_EXPECTED["dis"][0]] = _NO_EXECUTOR
    for name, statements in _EXPECTED.items():
        spec = util.find_spec(name)
        if spec is None or not spec.origin:
            return {}
        lines = Path(spec.origin).read_text(encoding="utf-8").split("\n")
        if any(lines.count(statement) != 1 for statement in statements):
            return {}
        found[name] = {lines.index(each) + 1: texts[each] for each in statements}
    return found


def stand_in() -> str:
    """One line that defines ``_opcode`` with the tables of the running interpreter."""
    _opcode = importlib.import_module("_opcode")

    tables = {
        name: [number for number in _OPCODES if getattr(_opcode, name)(number)] for name in _TABLES
    }
    lists = {name: getattr(_opcode, name)() for name in _LISTS}
    return (
        "_opcode = type('_opcode', (), "
        f"{{**{{name: frozenset(table).__contains__ for name, table in {tables!r}.items()}}, "
        f"**{{name: (lambda found: lambda: found)(table) for name, table in {lists!r}.items()}}}})"
    )


def _opcode() -> ModuleType:
    return importlib.import_module("_opcode")


_NO_STACK_EFFECT = (
    "def stack_effect(*_, **__): "
    "raise NotImplementedError('dis.stack_effect is not in a program of a single file')"
)
_NO_EXECUTOR = (
    "def get_executor(*_, **__): raise RuntimeError('Executors are not available in this build')"
)
