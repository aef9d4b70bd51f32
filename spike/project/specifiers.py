"""The parts of PEP 440 and PEP 508 that decide here: is this Python wanted, does this marker hold?

Standard library only: it runs in a packager's environment. What it does not understand is None,
never a guess.
"""

from __future__ import annotations

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping

_CLAUSE = re.compile(r"\s*(===|==|!=|<=|>=|~=|<|>)\s*v?([0-9][0-9A-Za-z.+!-]*?)(\.\*)?\s*")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_VERSIONED = frozenset(
    {"python_version", "python_full_version", "implementation_version", "platform_release"}
)
_COMPARE: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}


def normal_name(name: str) -> str:
    """A distribution's name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_name(requirement: str) -> str:
    """The distribution that a requirement string names, in normal form; empty for none."""
    match = _REQUIREMENT.match(requirement)
    return normal_name(match[1]) if match else ""


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, without zeros at the end: 3.12.0rc1 gives (3, 12)."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def holds(specifier: str, version: str) -> bool | None:
    """Whether a version is in a set such as ``>=3.11,<4``; None when it cannot be read."""
    result: bool | None = True
    for clause in specifier.split(","):
        if not clause.strip():
            continue
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            result = None if result else result
        elif not _clause_holds(match[1], match[2], bool(match[3]), version):
            result = False
    return result


def lowest(specifier: str) -> str:
    """The lowest version that a set's lower bounds name, as ``3.12``; empty without one."""
    bounds = [
        release(match[2])
        for match in map(_CLAUSE.fullmatch, specifier.split(","))
        if match and match[1] in (">=", "~=", "==", ">")
    ]
    return ".".join(str(part) for part in (*max(bounds), 0)[:2]) if bounds else ""


def marker_holds(requirement: str) -> bool | None:
    """Whether a requirement's marker holds here; True without one, None when it is unreadable."""
    _, separator, marker = requirement.partition(" ;" if "://" in requirement else ";")
    if not separator:
        return True
    try:
        return _evaluated(ast.parse(marker.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def _clause_holds(sign: str, wanted: str, starred: bool, version: str) -> bool:
    if sign == "===":
        return version == wanted
    have, want = release(version), release(wanted)
    length = len(re.findall(r"\d+", re.split(r"[^0-9.]", wanted)[0]))
    if sign == "~=":
        return have >= want and _padded(have, length - 1) == _padded(want, length - 1)
    if starred:
        return (_padded(have, length) == _padded(want, length)) is (sign == "==")
    return _COMPARE[sign](have, want)


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return (*numbers, *[0] * length)[:length]


def _environment() -> Mapping[str, str]:
    return {
        "os_name": os.name,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "python_full_version": platform.python_version(),
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
        "extra": "",
    }


def _evaluated(node: ast.expr) -> bool | None:
    """A marker is a Python expression, but for ``~=`` and ``===``, which nobody writes in one."""
    if isinstance(node, ast.BoolOp):
        values = [_evaluated(value) for value in node.values]
        decisive = isinstance(node.op, ast.Or)
        if decisive in values:
            return decisive
        return None if None in values else not decisive
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    names = [item.id for item in (node.left, node.comparators[0]) if isinstance(item, ast.Name)]
    left, right = (_text(item) for item in (node.left, node.comparators[0]))
    if left is None or right is None:
        return None
    sign = {
        ast.Gt: ">",
        ast.GtE: ">=",
        ast.Lt: "<",
        ast.LtE: "<=",
        ast.Eq: "==",
        ast.NotEq: "!=",
    }.get(type(node.ops[0]))
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        return (left in right) is isinstance(node.ops[0], ast.In)
    if sign is None:
        return None
    if _VERSIONED & set(names) and release(left) and release(right):
        if right.endswith(".*"):
            return _clause_holds(sign, right[:-2], True, left)
        return _clause_holds(sign, right, False, left)
    return {"==": left == right, "!=": left != right}.get(sign)


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return _environment().get(node.id) if isinstance(node, ast.Name) else None
