"""Where a module binds and reads its names: at once, inside functions, or behind its back. Pure."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_WORD = re.compile(r"[^\W\d]\w*")
_F_STRINGS_HAVE_PLACES = sys.version_info >= (3, 12)


def bound_by(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The names that an import statement binds."""
    if isinstance(node, ast.ImportFrom):
        return [item.asname or item.name for item in node.names]
    return [item.asname or item.name.partition(".")[0] for item in node.names]


def is_all(node: ast.AST) -> bool:
    """Whether a statement says what ``__all__`` is, or adds to it."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    return any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets)


@dataclass(kw_only=True)
class _Scope:
    """A scope: ``module``, ``class``, ``function`` or ``comprehension``, and what it binds."""

    kind: str
    bound: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a module does with its names.

    Attributes:
        bindings: Name to how often the module binds it.
        uses: Name to the places inside functions that read it: line from 1, column in bytes.
        banned: Names that something needs while the module is executed, or behind its back.
    """

    bindings: Counter[str]
    uses: Mapping[str, set[tuple[int, int]]]
    banned: frozenset[str]


def usage(tree: ast.Module, names: set[str]) -> Usage:
    """Look at a whole module.

    Args:
        tree: The module.
        names: The names of it that matter.
    """
    visitor = _Visitor(names)
    visitor.run(tree)
    return Usage(bindings=visitor.bindings, uses=visitor.uses, banned=frozenset(visitor.banned))


class _Visitor(ast.NodeVisitor):
    """Collects it, scope by scope."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.bindings: Counter[str] = Counter()
        self.uses: dict[str, set[tuple[int, int]]] = {}
        self.banned: set[str] = set()
        self._scopes = [_Scope(kind="module")]
        self._deferred = False
        self._annotation = False
        self._formatted = False
        self._documented: set[int] = set()

    def run(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
                self._documented.add(id(body[0].value))
        for node in tree.body:
            if is_all(node):
                self._documented.update(id(each) for each in ast.walk(node))
            self.visit(node)

    def _bind(self, name: str, scope: _Scope | None = None) -> None:
        scope = scope or self._scopes[-1]
        if scope.kind == "module" or name in scope.declared_global:
            self.bindings[name] += 1

    def visit_Import(self, node: ast.Import) -> None:
        for name in bound_by(node):
            self._bind(name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for name in bound_by(node):
            self._bind(name)

    def visit_Global(self, node: ast.Global) -> None:
        self.banned.update(node.names)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A text may be an annotation; documentation is none."""
        if not isinstance(node.value, str) or id(node) in self._documented:
            return
        hit = self.names.intersection(_WORD.findall(node.value))
        if not hit:
            return
        try:
            inner = ast.parse(node.value.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        self.banned.update(
            each.id for each in ast.walk(inner) if isinstance(each, ast.Name) and each.id in hit
        )

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Before Python 3.12 what stands in an f-string has no true place."""
        before, self._formatted = self._formatted, not _F_STRINGS_HAVE_PLACES
        self.generic_visit(node)
        self._formatted = before

    visit_TemplateStr = visit_JoinedStr  # noqa: N815 - the visitor's own name

    def visit_Name(self, node: ast.Name) -> None:
        scope = self._scopes[-1]
        if not isinstance(node.ctx, ast.Load):
            self._bind(node.id)
            if isinstance(node.ctx, ast.Del) and scope.kind == "module":
                self.banned.add(node.id)
            return
        if node.id not in self.names or not self._is_global(node.id):
            return
        home = next(each for each in reversed(self._scopes) if each.kind != "comprehension")
        if not self._deferred or self._annotation or self._formatted or home.kind == "class":
            self.banned.add(node.id)
        else:
            self.uses.setdefault(node.id, set()).add((node.lineno, node.col_offset))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """Binds in the scope around a comprehension."""
        home = next(each for each in reversed(self._scopes) if each.kind != "comprehension")
        self._bind(node.target.id, home)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotated(node.annotation)
        if node.value:
            self.visit(node.value)

    def _is_global(self, name: str) -> bool:
        # A class's own names are seen in its body alone, where a global one may come first.
        return not any(name in scope.bound for scope in self._scopes if scope.kind != "class")

    def _annotated(self, node: ast.expr | None) -> None:
        if node is not None:
            before, self._annotation = self._annotation, True
            self.visit(node)
            self._annotation = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        self._annotated(node.returns)
        self._inside(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's own name

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._inside(node, [node.body])

    def _signature(self, args: ast.arguments) -> None:
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.visit(default)
        for arg in _arguments(args):
            self._annotated(arg.annotation)

    def _inside(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, body: Sequence[ast.AST]
    ) -> None:
        scope = _Scope(kind="function", bound={arg.arg for arg in _arguments(node.args)})
        _collect(body, scope)
        self._scopes.append(scope)
        before, self._deferred = self._deferred, True
        inner, self._annotation = self._annotation, False
        for each in body:
            self.visit(each)
        self._deferred, self._annotation = before, inner
        self._scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for each in (*node.decorator_list, *node.bases, *(word.value for word in node.keywords)):
            self.visit(each)
        scope = _Scope(kind="class")
        _collect(node.body, scope)
        self._scopes.append(scope)
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        self.visit(node.generators[0].iter)  # evaluated around it
        scope = _Scope(kind="comprehension")
        for generator in node.generators:
            scope.bound.update(
                each.id for each in ast.walk(generator.target) if isinstance(each, ast.Name)
            )
        self._scopes.append(scope)
        for number, generator in enumerate(node.generators):
            self.visit(generator.target)
            if number:
                self.visit(generator.iter)
            for test in generator.ifs:
                self.visit(test)
        for part in ("key", "value") if isinstance(node, ast.DictComp) else ("elt",):
            self.visit(getattr(node, part))
        self._scopes.pop()

    visit_ListComp = _comprehension  # noqa: N815
    visit_SetComp = _comprehension  # noqa: N815
    visit_DictComp = _comprehension  # noqa: N815
    visit_GeneratorExp = _comprehension  # noqa: N815


def _arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from (each for each in (args.vararg, args.kwarg) if each is not None)


def _collect(body: Iterable[ast.AST], scope: _Scope) -> None:
    """What a function's or a class's own statements bind, without the scopes inside it."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.bound.add(node.name)
            outer = [*node.decorator_list]
            if isinstance(node, ast.ClassDef):
                outer += [*node.bases, *(word.value for word in node.keywords)]
            else:
                outer += [each for each in (*node.args.defaults, *node.args.kw_defaults) if each]
            _collect(outer, scope)
        elif isinstance(node, ast.Lambda):
            _collect(
                [each for each in (*node.args.defaults, *node.args.kw_defaults) if each], scope
            )
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            # A walrus in it binds here; its own targets do not.
            scope.bound.update(
                each.target.id for each in ast.walk(node) if isinstance(each, ast.NamedExpr)
            )
        else:
            if isinstance(node, ast.Import | ast.ImportFrom):
                scope.bound.update(bound_by(node))
            elif isinstance(node, ast.Global):
                scope.declared_global.update(node.names)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                scope.bound.add(node.id)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                scope.bound.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                scope.bound.add(node.rest)
            _collect(ast.iter_child_nodes(node), scope)
    scope.bound -= scope.declared_global
