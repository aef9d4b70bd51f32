"""Which import statements of a file have to succeed, which may fail, and where that is in doubt.

Standard library only: it runs in a packager's environment.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from spike.project import conditions


class Need(IntEnum):
    """How much a program depends on an import; the weaker of two counts."""

    OPTIONAL = 0
    """It is prepared to do without: the import is caught, or belongs to another platform."""
    DOUBTFUL = 1
    """It runs under a condition, or in a function that may never be called."""
    REQUIRED = 2
    """It runs whenever the program starts."""


_CATCHING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_PLATFORM = frozenset(
    {"sys.platform", "os.name", "sys.version_info", "sys.implementation", "sys.frozen"}
)
_PLATFORM_CALLS = frozenset({"system", "machine", "release", "python_implementation", "mac_ver"})
_PROBES = frozenset({"find_spec", "find_loader", "find_module", "hasattr", "getattr"})
_LEAVING = frozenset({"exit", "_exit", "quit", "abort", "skip", "execv", "execve"})


def imports(
    tree: ast.Module, *, is_entry: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, Need]]:
    """Yield every import statement of a file with how much it is needed.

    Args:
        tree: The parsed file.
        is_entry: Whether it is the program itself, whose ``__name__`` is ``"__main__"``.
    """
    yield from _Reader(tree, is_entry=is_entry).read(tree.body, Need.REQUIRED)


class _Reader:
    def __init__(self, tree: ast.Module, *, is_entry: bool) -> None:
        self.is_entry = is_entry
        self.quiet: set[str] = set()
        """Names that stand for a question about the platform or about what is installed."""
        self.catching = set(_CATCHING)
        """Names of exceptions, and of tuples of them, that catch an import that fails."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.Name):
                self.catching.update(_assigned(node) if self._catches(node.value) else ())
        for node in ast.walk(tree):
            self._learn(node)

    def read(
        self, body: Sequence[ast.stmt], need: Need
    ) -> Iterator[tuple[ast.Import | ast.ImportFrom, Need]]:
        """Yield the imports of a list of statements that runs when ``need`` says."""
        for statement in body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                yield statement, need
            elif isinstance(statement, ast.If):
                inside, otherwise = self._branches(statement.test, need)
                yield from self.read(statement.body, inside)
                yield from self.read(statement.orelse, otherwise)
                if _leaves(statement.body):
                    need = min(need, otherwise)
                if _leaves(statement.orelse):
                    need = min(need, inside)
            elif isinstance(statement, ast.Match):
                inside = min(need, self._doubt(statement.subject))
                for case in statement.cases:
                    yield from self.read(case.body, inside)
                if any(_leaves(case.body) for case in statement.cases):
                    need = min(need, inside)
            elif isinstance(statement, ast.Try | ast.TryStar):
                yield from self._tried(statement, need)
            elif isinstance(statement, ast.With | ast.AsyncWith):
                yield from self.read(statement.body, min(need, self._suppressed(statement)))
            elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
                yield from self.read([*statement.body, *statement.orelse], _weak(need))
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self.read(statement.body, _weak(need))
            elif isinstance(statement, ast.ClassDef):
                yield from self.read(statement.body, need)

    def _branches(self, test: ast.expr, need: Need) -> tuple[Need, Need]:
        """How much the two halves of an ``if`` are needed."""
        if isinstance(test, ast.Constant):
            return (need, Need.OPTIONAL) if test.value else (Need.OPTIONAL, need)
        if _is_main_check(test):
            return (_weak(need) if self.is_entry else Need.OPTIONAL, need)
        verdict = conditions.truth(test)
        if verdict is not None:
            # What only another system runs is none of this one's business.
            return (_weak(need), Need.OPTIONAL) if verdict else (Need.OPTIONAL, _weak(need))
        doubt = min(need, self._doubt(test))
        return doubt, doubt

    def _doubt(self, test: ast.expr) -> Need:
        return Need.OPTIONAL if self._is_quiet(test) else Need.DOUBTFUL

    def _tried(
        self, statement: ast.Try | ast.TryStar, need: Need
    ) -> Iterator[tuple[ast.Import | ast.ImportFrom, Need]]:
        catching = [handler for handler in statement.handlers if self._catches(handler.type)]
        if not statement.handlers:
            inside = need
        elif catching and not all(_gives_up(handler.body) for handler in catching):
            inside = Need.OPTIONAL
        else:
            inside = _weak(need)
        yield from self.read(statement.body, inside)
        for handler in statement.handlers:
            yield from self.read(handler.body, min(inside, _weak(need)))
        yield from self.read(statement.orelse, inside)
        yield from self.read(statement.finalbody, need)

    def _learn(self, node: ast.AST) -> None:
        """Note ``HAS_X = True`` in a guarded import, and ``IS_WINDOWS = sys.platform == …``."""
        if isinstance(node, ast.Try | ast.TryStar) and any(
            self._catches(handler.type) for handler in node.handlers
        ):
            for part in ast.walk(node):
                self.quiet.update(_assigned(part))
                if isinstance(part, ast.Import | ast.ImportFrom):
                    self.quiet.update(
                        item.asname or item.name.partition(".")[0] for item in part.names
                    )
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            if self._is_quiet(node.value):
                self.quiet.update(_assigned(node))
        elif isinstance(node, ast.FunctionDef) and any(
            isinstance(part, ast.Return) and part.value is not None and self._is_quiet(part.value)
            for part in node.body
        ):
            self.quiet.add(node.name)

    def _is_quiet(self, test: ast.expr) -> bool:
        """Whether a condition asks for the platform, a type checker or what is installed."""
        for node in ast.walk(test):
            name = _dotted(node)
            last = name.rpartition(".")[2]
            if name in _PLATFORM or last == "TYPE_CHECKING" or name in self.quiet:
                return True
            if isinstance(node, ast.Call):
                called = _dotted(node.func).rpartition(".")[2]
                if called in _PROBES or called in _PLATFORM_CALLS:
                    return True
            if name in ("sys.modules", "sys.stdlib_module_names", "sys.builtin_module_names"):
                return True
        return False

    def _catches(self, kind: ast.expr | None) -> bool:
        """Whether an ``except`` of this type catches an import that fails."""
        return kind is None or any(
            _dotted(node).rpartition(".")[2] in self.catching for node in ast.walk(kind)
        )

    def _suppressed(self, statement: ast.With | ast.AsyncWith) -> Need:
        """A ``with`` may swallow what is raised in it; ``suppress(ImportError)`` does."""
        for item in statement.items:
            call = item.context_expr
            if isinstance(call, ast.Call) and any(map(self._catches, call.args)):
                return Need.OPTIONAL
        return Need.DOUBTFUL


def _weak(need: Need) -> Need:
    return min(need, Need.DOUBTFUL)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _assigned(node: ast.AST) -> Iterator[str]:
    targets: Iterable[ast.expr] = ()
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = (node.target,)
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id


def _is_main_check(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and {"__name__"} == {_dotted(node) for node in ast.walk(test)} - {""}
        and any(
            isinstance(node, ast.Constant) and node.value == "__main__" for node in ast.walk(test)
        )
    )


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether what follows these statements may not run because of them."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        name = _dotted(last.value.func)
        return name.rpartition(".")[2] in _LEAVING
    return isinstance(last, ast.Raise | ast.Return | ast.Continue | ast.Break)


def _gives_up(body: Sequence[ast.stmt]) -> bool:
    """Whether a handler ends the program: the import was needed after all."""
    last = body[-1]
    return isinstance(last, ast.Raise) or (
        _leaves(body) and not isinstance(last, ast.Return | ast.Continue | ast.Break)
    )
