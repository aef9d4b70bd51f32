"""Which import statements of a module can be put off without a change of meaning.

Decided from the source alone, by leaving alone whatever is not surely safe: names that something
needs while the module is executed, names in annotations (as statements or as text), names that are
bound twice, modules that look at themselves from outside, imports that nobody uses and that are
there for what they do, and more. What a statement's own modules do when they are imported late is
not judged here; see :mod:`spike.faststart.choice`.

Pure, and the same answer for the same source. Standard library only.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spike.faststart.usage import bound_by, is_all, usage

PREFIX = "_fast_start_"
"""All names that a rewritten module has more than the original begin so."""

NEVER_TARGETS = frozenset(
    {"__future__", "builtins", "encodings", "importlib", "typing", "warnings"}
)
"""What is never put off: the interpreter's own, and what is looked up behind a module's back."""

COMPILERS = frozenset({"cython", "jax", "numba", "tensorflow", "torch", "triton"})
"""Libraries that compile functions from their source or bytecode: their users are left alone."""

_LOOKS_INSIDE = frozenset({"eval", "exec", "globals", "locals", "vars"})
_HOOKS = frozenset({"__dir__", "__getattr__"})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """An import statement that can be put off.

    Attributes:
        line: Its first line, from 1.
        end_line: Its last line.
        code: The same statement on one line.
        names: The names that it binds.
        targets: Absolute names of the modules that it may import, its own parts included.
        uses: Places inside functions where its names are read: line from 1, column in bytes.
    """

    line: int
    end_line: int
    code: str
    names: tuple[str, ...]
    targets: tuple[str, ...]
    uses: tuple[tuple[int, int], ...]


def candidates(
    source: bytes, *, module: str, is_package: bool = False, submodules: Iterable[str] = ()
) -> tuple[Statement, ...]:
    """The statements of a module that can be put off without a change of meaning.

    Args:
        source: Its text.
        module: Its dotted name.
        is_package: Whether it is the ``__init__`` of a package.
        submodules: Names of what lies in that package: an attribute of such a name is the
            submodule's as soon as anybody imports it.

    Returns:
        In the order of the text; none of a module that cannot be judged.
    """
    try:
        if b"\r" in source or b"\f" in source or source.startswith(b"\xef\xbb\xbf"):
            return ()  # lines and columns would be counted in more than one way
        source.decode("utf-8")
        if _declares_encoding(source):
            return ()
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    if not _is_plain(tree):
        return ()
    lines = source.split(b"\n")
    parent = module if is_package else module.rpartition(".")[0]
    imports = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and _stands_alone(node, lines)
    ]
    used = usage(tree, {name for node in imports for name in bound_by(node)})
    banned = used.banned | set(submodules if is_package else ()) | set(dir(builtins))
    exported = _exported(tree)
    if any(used.bindings[name] for name in _HOOKS):
        return ()  # it answers for its names itself
    found = []
    for node in imports:
        names = tuple(dict.fromkeys(bound_by(node)))
        targets = _targets(node, parent)
        if not targets or any(name.split(".")[0] in NEVER_TARGETS for name in targets):
            continue
        if any(name in banned or name.startswith("__") for name in names):
            continue
        if any(used.bindings[name] != 1 for name in names):
            continue
        uses = tuple(sorted({use for name in names for use in used.uses.get(name, ())}))
        # An import that nobody uses is there for what it does.
        if not uses and not (
            isinstance(node, ast.ImportFrom)
            and (
                is_package
                or all(item.asname == item.name or item.name in exported for item in node.names)
            )
        ):
            continue
        found.append(
            Statement(
                line=node.lineno,
                end_line=node.end_lineno or node.lineno,
                code=ast.unparse(node),
                names=names,
                targets=targets,
                uses=uses,
            )
        )
    return _with_room(found, tree, lines)


def _declares_encoding(source: bytes) -> bool:
    """Whether the first two lines name an encoding other than UTF-8."""
    for line in source.split(b"\n")[:2]:
        match = re.match(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line)
        if match and match[1].lower() not in (b"utf-8", b"utf8"):
            return True
    return False


def _is_plain(tree: ast.Module) -> bool:
    """Whether a module never looks at its own names from outside, and nobody compiles its code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and (node.id in _LOOKS_INSIDE or node.id.startswith(PREFIX)):
            return False
        if isinstance(node, ast.Attribute) and node.attr in ("modules", "__globals__"):
            return False
        if isinstance(node, ast.Call) and _is_own_dir(node):
            return False
        if isinstance(node, ast.ImportFrom):
            named = {item.name for item in node.names}
            if "*" in named or (node.module == "sys" and "modules" in named):
                return False
        if {name.partition(".")[0] for name in _modules_named(node)} & COMPILERS:
            return False
        if getattr(node, "type_params", None) or type(node).__name__ == "TypeAlias":
            return False  # scopes of their own, evaluated when somebody asks
    return True


def _is_own_dir(node: ast.Call) -> bool:
    """Whether a call is ``dir()``, which lists the names around it."""
    named = isinstance(node.func, ast.Name) and node.func.id == "dir"
    return named and not node.args and not node.keywords


def _modules_named(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [item.name for item in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _stands_alone(node: ast.Import | ast.ImportFrom, lines: Sequence[bytes]) -> bool:
    """Whether a statement has its lines to itself, and is of a kind that can be put off."""
    if node.col_offset or (isinstance(node, ast.ImportFrom) and not node.module):
        return False  # "from . import x" may mean a submodule
    end = lines[(node.end_lineno or node.lineno) - 1]
    after = end[node.end_col_offset or 0 :].strip()
    before = lines[node.lineno - 2].rstrip() if node.lineno > 1 else b""
    return (not after or after.startswith(b"#")) and not before.endswith(b"\\")


def _targets(node: ast.Import | ast.ImportFrom, parent: str) -> tuple[str, ...]:
    """Absolute names of what a statement may import; none when it leads out of the package."""
    if isinstance(node, ast.Import):
        return tuple(item.name for item in node.names)
    base = node.module or ""
    if node.level:
        parts = parent.split(".") if parent else []
        if node.level > len(parts):
            return ()
        base = ".".join([*parts[: len(parts) - node.level + 1], base])
    return (base, *(f"{base}.{item.name}" for item in node.names))


def _exported(tree: ast.Module) -> frozenset[str]:
    """The names in ``__all__``, as far as they stand there."""
    return frozenset(
        text.value
        for node in tree.body
        if is_all(node)
        for text in ast.walk(node)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    )


def _with_room(
    found: list[Statement], tree: ast.Module, lines: Sequence[bytes]
) -> tuple[Statement, ...]:
    """Without what comes first in a file that has no place before it for the prelude."""
    while found and place(tree, lines, found[0].line) is None:
        found = found[1:]
    return tuple(found)


def place(tree: ast.Module, lines: Sequence[bytes], line: int) -> tuple[int, int] | None:
    """Where the prelude goes before a line: index of its line and the column behind which.

    Behind the last simple statement before it, or on an empty or commented line at the head.
    """
    before = [node for node in tree.body if (node.end_lineno or 0) < line]
    for node in reversed(before):
        if not hasattr(node, "body") and not hasattr(node, "cases") and not _continues(node, lines):
            return (node.end_lineno or 1) - 1, node.end_col_offset or 0
    if before:
        return None
    for index in range(line - 2, -1, -1):
        if not lines[index].strip():
            return index, 0
        if index > 1 and lines[index].startswith(b"#"):
            return index, 0
    return None


def _continues(node: ast.stmt, lines: Sequence[bytes]) -> bool:
    """Whether something else than a comment follows a statement on its last line."""
    after = lines[(node.end_lineno or 1) - 1][node.end_col_offset or 0 :].strip()
    return bool(after) and not after.startswith(b"#")
