"""What sources say of modules that they rely on without importing them. Pure.

``import concurrent`` and ``concurrent.futures.wait`` in one file work as long as somebody else
imports ``concurrent.futures`` early; so does ``if "numpy" in sys.modules``. Who reads the names of
another module as a dictionary passes by whatever the module answers.
"""

from __future__ import annotations

import ast
import functools
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


class Source:
    """A module's name and text; what is read in the text is read once."""

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self.text = text

    @functools.cached_property
    def may_look_up(self) -> bool:
        """Whether it may look into ``sys.modules``."""
        return _LOOK_UP.search(self.text) is not None

    @functools.cached_property
    def may_read(self) -> bool:
        """Whether it may read the names of something as a dictionary."""
        return _DICTIONARY.search(self.text) is not None

    @functools.cached_property
    def facts(self) -> _Facts:
        """What it says; nothing when it is no Python."""
        try:
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError):
            return _Facts()
        aliases, imported = _imports(tree, self.name)
        return _Facts(
            imported=imported,
            reached=frozenset(_reached(tree, aliases)),
            looked_up=frozenset(_texts(tree)) if _looks_up(tree) else frozenset(),
            read=frozenset(_read_whole(tree, aliases)),
        )


@dataclass(frozen=True, kw_only=True)
class _Facts:
    imported: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()
    looked_up: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()


def relied(
    sources: Iterable[Source],
    *,
    spared: Collection[str],
    rewritten: Collection[str],
) -> Relied:
    """Look through sources.

    Args:
        sources: Everything that may run in the program.
        spared: Modules that would not be loaded until READY.
        rewritten: Modules that would have put something off.
    """
    loaded: dict[str, str] = {}
    whole: dict[str, str] = {}
    reaching = _by_package(spared)
    reading = _by_package(rewritten)
    for source in sources:
        name, text = source.name, source.text
        # Most sources have none of the words, and reading them whole takes long.
        if _may(name, text, reaching):
            for reached in source.facts.reached & set(spared) - source.facts.imported:
                loaded.setdefault(reached, f"{name} uses it without importing it")
        if source.may_look_up:
            # Itself it finds in any case.
            for each in source.facts.looked_up & set(spared) - {name}:
                loaded.setdefault(each, f"{name} looks for it in sys.modules")
        if source.may_read and _may(name, text, reading, dot=b""):
            for read in source.facts.read & set(rewritten):
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
