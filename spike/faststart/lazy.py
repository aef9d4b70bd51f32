"""The profile as a filter of lazy imports (PEP 810): from Python 3.15 on nothing is rewritten.

The interpreter asks a filter of each import at the top of a module whether it may wait, by the
importing module, the imported one and the names that are taken from it. What may wait is decided as
for rewritten modules; an import that the filter could not tell from another one does not.

Pure, and the same answer for the same sources. Standard library only.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from spike.faststart.statements import Statement

Key = tuple[str, str, tuple[str, ...] | None]
"""What the interpreter asks by: importer, imported module, and the names taken from it if any."""


def here() -> bool:
    """Whether this Python asks a filter."""
    return hasattr(sys, "set_lazy_imports_filter")


def keys(statements: Mapping[str, Sequence[Statement]]) -> dict[Key, int]:
    """What the filter lets wait, sorted, with the line of each.

    Args:
        statements: Module to what is put off in it.
    """
    found = {
        key: each.line
        for module, chosen in statements.items()
        for each in chosen
        for key in _asked(module, ast.parse(each.code).body[0], each.targets[0])
    }
    return dict(sorted(found.items(), key=lambda item: (*item[0][:2], item[0][2] or (), item[1])))


def tellable(
    source: bytes, statements: Sequence[Statement], *, module: str, is_package: bool = False
) -> tuple[Statement, ...]:
    """Those statements of a module that a filter can tell from all others in it.

    Args:
        source: Its text.
        statements: What could be put off in it.
        module: Its dotted name.
        is_package: Whether it is the ``__init__`` of a package.
    """
    parent = module if is_package else module.rpartition(".")[0]
    counts = Counter(
        key
        for node in _outside_functions(ast.parse(source))
        for key in _asked(module, node, _base(node, parent))
    )
    found = []
    for each in statements:
        node = ast.parse(each.code).body[0]
        # What "import a.b" binds is a, of which b becomes a lazy part: another thing than a name.
        dotted = isinstance(node, ast.Import) and any(
            "." in item.name and not item.asname for item in node.names
        )
        asked = list(_asked(module, node, each.targets[0]))
        if not dotted and all(counts[key] == 1 for key in asked):
            found.append(each)
    return tuple(found)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement that runs while the module is executed; in functions nothing is asked."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _outside_functions(node)


def _base(node: ast.AST, parent: str) -> str:
    """The absolute name of the module that ``from … import`` takes names of."""
    if not isinstance(node, ast.ImportFrom):
        return ""
    if not node.level:
        return node.module or ""
    parts = parent.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _asked(module: str, node: ast.AST, base: str) -> Iterator[Key]:
    if isinstance(node, ast.Import):
        for item in node.names:
            yield module, item.name, None
    elif isinstance(node, ast.ImportFrom):
        yield module, base, tuple(item.name for item in node.names)
