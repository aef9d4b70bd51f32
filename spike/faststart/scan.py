"""What sources say of modules that they rely on without importing them. Pure.

``import concurrent`` and ``concurrent.futures.wait`` in one file work as long as somebody else
imports ``concurrent.futures`` early; so does ``if "numpy" in sys.modules``. Who reads the names of
another module as a dictionary passes by whatever the module answers.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_DICTIONARY = re.compile(rb"\bvars\(|\b__dict__\b")
_LOOK_UP = re.compile(rb"\.\s*modules\b|\bfrom\s+sys\s+import\b")


@dataclass(frozen=True, kw_only=True)
class Relied:
    """What was found, each with the file that relies on it.

    Attributes:
        loaded: Modules that have to be loaded as always.
        whole: Modules whose names are read as a dictionary.
    """

    loaded: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)


def relied(
    sources: Iterable[tuple[str, bytes]],
    *,
    spared: Collection[str],
    rewritten: Collection[str],
) -> Relied:
    """Look through sources.

    Args:
        sources: Name of a module and its text, of everything that may run in the program.
        spared: Modules that would not be loaded until READY.
        rewritten: Modules that would have put something off.
    """
    loaded: dict[str, str] = {}
    whole: dict[str, str] = {}
    reaching = _by_package(spared)
    reading = _by_package(rewritten)
    for name, text in sources:
        # Most sources have none of the words, and reading them whole takes long.
        may_reach = _may(name, text, reaching)
        may_look_up = _LOOK_UP.search(text) is not None
        may_read = _DICTIONARY.search(text) is not None and _may(name, text, reading, dot=b"")
        if not (may_reach or may_look_up or may_read):
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        aliases, imported = _imports(tree, name)
        if may_reach:
            for reached in _reached(tree, aliases):
                if reached in spared and reached not in imported:
                    loaded.setdefault(reached, f"{name} uses it without importing it")
        if may_look_up and _looks_up(tree):
            for text_ in _texts(tree):
                if text_ in spared and text_ != name:  # itself it finds in any case
                    loaded.setdefault(text_, f"{name} looks for it in sys.modules")
        if may_read:
            for read in _read_whole(tree, aliases):
                if read in rewritten:
                    whole.setdefault(read, f"{name} reads its names as a dictionary")
    return Relied(loaded=loaded, whole=whole)


def _by_package(names: Collection[str]) -> Mapping[str, frozenset[bytes]]:
    """First part of modules' names, to the last parts of them."""
    found: dict[str, set[bytes]] = {}
    for name in names:
        found.setdefault(name.partition(".")[0], set()).add(name.rpartition(".")[2].encode())
    return {top: frozenset(parts) for top, parts in found.items()}


def _may(
    module: str, text: bytes, packages: Mapping[str, Collection[bytes]], *, dot: bytes = b"."
) -> bool:
    """Whether a source has the words that it needs to reach one of these modules."""
    own = module.partition(".")[0]
    return any(
        (top == own or top.encode() in text) and any(dot + part in text for part in parts)
        for top, parts in packages.items()
    )


def _imports(tree: ast.Module, module: str) -> tuple[Mapping[str, set[str]], frozenset[str]]:
    """What names may stand for, and the modules that are imported by name anywhere in it."""
    aliases: dict[str, set[str]] = {}
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                imported.add(item.name)
                top = item.name.partition(".")[0]
                aliases.setdefault(item.asname or top, set()).add(item.name if item.asname else top)
        elif isinstance(node, ast.ImportFrom):
            # Whether it is a package's own file is not known here: both ways are looked at.
            for base in _bases(node, module):
                imported.add(base)
                for item in node.names:
                    imported.add(f"{base}.{item.name}")
                    aliases.setdefault(item.asname or item.name, set()).add(f"{base}.{item.name}")
    return aliases, frozenset(imported)


def _bases(node: ast.ImportFrom, module: str) -> tuple[str, ...]:
    if not node.level:
        return (node.module or "",)
    parts = module.split(".")
    found = []
    for depth in (len(parts) - node.level, len(parts) - node.level + 1):
        if depth > 0:
            found.append(".".join([*parts[:depth], *([node.module] if node.module else [])]))
    return tuple(found)


def _reached(tree: ast.Module, aliases: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Dotted names that attributes lead to, from an imported name on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _dotted(node, aliases)


def _dotted(node: ast.expr, aliases: Mapping[str, Collection[str]]) -> Iterator[str]:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        for base in aliases.get(node.id, ()):
            yield ".".join([base, *reversed(attributes)])


def _looks_up(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr == "modules")
        or (isinstance(node, ast.Name) and node.id == "modules")
        for node in ast.walk(tree)
    )


def _texts(tree: ast.Module) -> Iterator[str]:
    return (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _read_whole(tree: ast.Module, aliases: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Modules in ``vars(module)`` and ``module.__dict__``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "__dict__":
            yield from _dotted(node.value, aliases)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "vars"
            and len(node.args) == 1
        ):
            yield from _dotted(node.args[0], aliases)
