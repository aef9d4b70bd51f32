"""Reads one module's source: which units of code it has, what each imports and which names it uses.

Standard library only: it runs in the Python that is packaged.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.packagers.analysis import direct_imports as redirect
from spike.project import conditions

_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_LONGEST_NAME = 200


@dataclass(kw_only=True)
class Unit:
    """A piece of code that runs as one: a module's top level, or a function's body."""

    imports: list[tuple[str, int, tuple[str, ...], bool]] = field(default_factory=list)
    bare: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    chains: set[tuple[str, ...]] = field(default_factory=set)
    children: list[tuple[str, Unit, bool]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ModuleCode:
    """What one module's source says.

    Attributes:
        top: Its top level; what is defined there are its children.
        aliases: What its names stand for: module, level of a relative import, and the name in that
            module; empty for the module itself.
        stored: Names that it assigns to.
        stars: Modules that it imports all names of, each with the level.
        edits: Lines of it that were replaced before it was read, by their numbers.
    """

    top: Unit
    aliases: dict[str, set[tuple[str, int, str]]]
    stored: set[str]
    stars: list[tuple[str, int]]
    edits: dict[int, str]


class _Reader(ast.NodeVisitor):
    """Collects one module's units, and what its names stand for."""

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.unit = Unit()
        self.guarded = 0
        self.in_class = False
        self.aliases: dict[str, set[tuple[str, int, str]]] = {}
        self.stored: set[str] = set()
        self.stars: list[tuple[str, int]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for item in node.names:
            self.unit.imports.append((item.name, 0, (), bool(self.guarded)))
            top = item.name.partition(".")[0]
            self.aliases.setdefault(item.asname or top, set()).add(
                (item.name if item.asname else top, 0, "")
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        names = tuple(item.name for item in node.names)
        self.unit.imports.append((module, node.level, names, bool(self.guarded)))
        for item in node.names:
            if item.name == "*":
                self.stars.append((module, node.level))
            else:
                self.aliases.setdefault(item.asname or item.name, set()).add(
                    (module, node.level, item.name)
                )

    def visit_Try(self, node: ast.Try) -> None:
        caught = {
            name.id
            for handler in node.handlers
            for name in ast.walk(handler.type or ast.Name(id="BaseException"))
            if isinstance(name, ast.Name)
        }
        guards = bool(caught & _CAUGHT)
        self.guarded += guards
        self._visit_all(node.body)
        self.guarded -= guards
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if test.endswith("TYPE_CHECKING") or (not self.own and test == "__name__ == '__main__'"):
            self._visit_all(node.orelse)
        elif (decided := conditions.truth(node.test)) is not None:
            self._visit_all(node.body if decided else node.orelse)
        else:
            self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        before, self.in_class = self.in_class, True
        self._visit_all(node.body)
        self.in_class = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        self._visit_all([*node.decorator_list, *arguments.defaults])
        self._visit_all([default for default in arguments.kw_defaults if default])
        self._arguments(arguments)
        if node.returns:
            self.visit(node.returns)
        before = self.unit, self.guarded, self.in_class
        self.unit, self.guarded, self.in_class = Unit(), 0, False
        self._visit_all(node.body)
        body = self.unit
        self.unit, self.guarded, self.in_class = before
        self.unit.children.append((node.name, body, self.in_class))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._arguments(node.args)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.unit.bare.add(node.id)
        else:
            self.stored.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self.unit.bare.add(value.id)
            self.unit.chains.add((value.id, *reversed(chain)))
        else:
            self.unit.attributes.update(chain)
            self.visit(value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not _is_all(*node.targets):
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if not _is_all(node.target):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Constant):
            return  # a docstring names nothing
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and _is_all(value.func.value)
        ):
            return  # __all__.extend([...]) uses nothing
        self.visit(value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and len(node.value) < _LONGEST_NAME:
            words = node.value.replace(":", ".").split(".")
            self.unit.attributes.update(word for word in words if word.isidentifier())

    def _arguments(self, arguments: ast.arguments) -> None:
        for item in (
            *(*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs),
            *(extra for extra in (arguments.vararg, arguments.kwarg) if extra),
        ):
            self.stored.add(item.arg)
            if item.annotation:
                self.visit(item.annotation)

    def _visit_all(self, nodes: Sequence[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _is_all(*targets: ast.AST) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def parse(source: bytes | str, *, own: bool, edits: dict[int, str] | None = None) -> ModuleCode:
    """Read a module's source.

    Args:
        source: What is in its file.
        own: Whether it belongs to the program or its dependencies.
        edits: Lines that were replaced in it.

    Raises:
        SyntaxError: It is not Python.
        ValueError: Likewise.
    """
    reader = _Reader(own=own)
    for statement in ast.parse(source).body:
        reader.visit(statement)
    return ModuleCode(
        top=reader.unit,
        aliases=reader.aliases,
        stored=reader.stored,
        stars=reader.stars,
        edits=edits or {},
    )


def parse_file(path: Path, own: bool, direct_imports: bool) -> ModuleCode:
    """Read a module's file.

    Args:
        path: The file.
        own: See :func:`parse`.
        direct_imports: Whether its imports are changed first; see
            :mod:`spike.packagers.analysis.direct_imports`.

    Raises:
        SyntaxError: It is not Python.
        ValueError: Likewise.
        OSError: It cannot be read.
    """
    source = path.read_bytes()
    if not direct_imports:
        return parse(source, own=own)
    text = importlib.util.decode_source(source)
    edits = redirect.edits(text)
    return parse(redirect.apply(text, edits), own=own, edits=edits)


parse_library_file = functools.cache(parse_file)
"""The standard library does not change while this runs, and parsing it is most of the work."""
