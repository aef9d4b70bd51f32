"""Conditions on the platform, decided from the source: what only another system runs is not needed.

Pure: an expression in, a verdict out. It knows the forms that the typing specification asks type
checkers to know (``sys.platform == "win32"``, ``sys.platform.startswith("linux")``, ``os.name``),
and ``platform.system()``, with ``not``, ``and`` and ``or`` around them.
"""

from __future__ import annotations

import ast
import os
import platform
import sys
from collections.abc import Mapping

HERE: Mapping[str, str] = {
    "sys.platform": sys.platform,
    "os.name": os.name,
    "platform.system()": platform.system(),
}
"""What the expressions are on this platform, which is the one that is built for."""


def truth(test: ast.expr, facts: Mapping[str, str] = HERE) -> bool | None:
    """Tell what a condition is on a platform; None where it asks for anything else.

    Args:
        test: The condition.
        facts: The values of ``sys.platform``, ``os.name`` and ``platform.system()``.
    """
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            known = truth(inner, facts)
            return None if known is None else not known
        case ast.BoolOp(op=operation, values=values):
            decisive = isinstance(operation, ast.Or)
            each = [truth(value, facts) for value in values]
            if decisive in each:
                return decisive
            return None if None in each else not decisive
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compared(left, operator, right, facts)
        case ast.Call(
            func=ast.Attribute(value=value, attr="startswith"), args=[argument], keywords=[]
        ) if (actual := facts.get(ast.unparse(value))) is not None:
            prefixes = _texts(argument)
            return None if prefixes is None else actual.startswith(tuple(prefixes))
    return None


def _compared(
    left: ast.expr, operator: ast.cmpop, right: ast.expr, facts: Mapping[str, str]
) -> bool | None:
    if isinstance(left, ast.Constant):
        left, right = right, left
        if isinstance(operator, ast.In | ast.NotIn):
            return None  # "win" in sys.platform: a part of the name, also of darwin
    actual = facts.get(ast.unparse(left))
    values = _texts(right)
    if actual is None or values is None:
        return None
    single = isinstance(right, ast.Constant)
    match operator:
        case ast.Eq() if single:
            return actual == values[0]
        case ast.NotEq() if single:
            return actual != values[0]
        case ast.In() if not single:
            return actual in values
        case ast.NotIn() if not single:
            return actual not in values
    return None


def _texts(node: ast.expr) -> list[str] | None:
    """The texts of a literal: one, or a tuple, list or set of them; None for anything else."""
    elements = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    values = [element.value for element in elements if isinstance(element, ast.Constant)]
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(elements) else None
