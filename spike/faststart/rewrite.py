"""A module's source with imports put off.

``import json`` at the top of a library becomes a function that does it. Uses of ``json`` inside
functions become ``_fast_start_here.json``, an attribute of the module itself; the module's
``__getattr__`` (PEP 562) calls that function when the attribute is first asked for, by the module
or by anybody else. No line gets another number. The import stays a statement, so that packagers
see it, and it is executed on the line that it always stood on.

The rewritten module is compared with the original, tree by tree and code object by code object.

Pure, and the same bytes for the same source. Standard library only.
"""

from __future__ import annotations

import ast
import dis
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from types import CodeType

from spike.faststart.statements import PREFIX, Statement, place

HELPER = "sidecar_fast_start"
"""The module that every rewritten module imports; it ships with the program."""
HERE = f"{PREFIX}here"
"""In a rewritten module: the module itself, whose attributes load what was put off."""


def rewritten(source: bytes, statements: Sequence[Statement]) -> bytes:
    """The source with some of its candidates put off; every line keeps its number.

    Args:
        source: A module's text.
        statements: What :func:`spike.faststart.statements.candidates` has found in it, or a part.

    Raises:
        ValueError: What comes out is not the same program otherwise; a mistake in this module.
    """
    if not statements:
        return source
    lines = source.split(b"\n")
    table = ", ".join(
        f'"{PREFIX}{number}": {each.names!r}' for number, each in enumerate(statements, 1)
    )
    prelude = (
        f"from {HELPER} import put_off as {PREFIX}0; {HERE} = {PREFIX}0(globals(), {{{table}}})"
    )
    # First what comes last in a line, so that columns stay true.
    _insert(lines, ast.parse(source), statements[0].line, prelude.encode())
    for line, column in sorted({use for each in statements for use in each.uses}, reverse=True):
        text = lines[line - 1]
        lines[line - 1] = text[:column] + f"{HERE}.".encode() + text[column:]
    for number, each in enumerate(statements, 1):
        handed = ", ".join(f'"{name}": {name}' for name in each.names)
        said = f"def {PREFIX}{number}(): {each.code}; return {{{handed}}}"
        lines[each.line - 1] = said.encode()
        for line in range(each.line, each.end_line):
            lines[line] = b""
    text = b"\n".join(lines)
    problem = _difference(source, text, statements)
    if problem:
        raise ValueError(problem)
    return text


def _insert(lines: list[bytes], tree: ast.Module, line: int, prelude: bytes) -> None:
    found = place(tree, lines, line)
    if found is None:
        raise ValueError(f"nothing can stand before line {line}")
    index, column = found
    text = lines[index]
    if column:
        lines[index] = text[:column] + b"; " + prelude + text[column:]
    else:
        lines[index] = prelude + (b"  " + text if text.strip() else b"")


def _difference(source: bytes, text: bytes, statements: Sequence[Statement]) -> str:
    """What differs between a module and its rewritten form beyond the imports; empty for nothing.

    Two ways that know nothing of how it was made: the trees with every use put back, line by line;
    and the compiled code, in which no name that was put off may be looked up globally any more.
    """
    names = {name for each in statements for name in each.names}
    old = ast.parse(source)
    try:
        new = ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno} is no Python any more"
    said = {each.line: each.code for each in statements}
    kept = []
    for node in old.body:
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        if is_import and ast.unparse(node) == said.get(node.lineno):
            del said[node.lineno]
        else:
            kept.append(node)
    if said:
        return f"there is no such import in line {min(said)}"
    others = [node for node in new.body if not _is_added(node)]
    restored = [_Restored().visit(node) for node in others]
    if len(kept) != len(restored):
        return f"{len(kept)} statements became {len(restored)}"
    for first, second in zip(kept, restored, strict=True):
        if ast.dump(first) != ast.dump(second):
            return f"line {first.lineno} says something else"
        ones, twos = (
            [getattr(node, "lineno", None) for node in ast.walk(each)] for each in (first, second)
        )
        if ones != twos:
            return f"line {first.lineno} has moved"
    for first_code, code in zip(_codes(source), _codes(text), strict=True):
        for part in ("co_qualname", "co_firstlineno", "co_varnames", "co_cellvars", "co_freevars"):
            if getattr(first_code, part) != getattr(code, part):
                return f"{code.co_qualname} has another {part}"
        wanted = Counter(name for name in _looked_up(first_code) if name in names)
        if code.co_name != "<module>" and wanted != _asked_for(code):
            return f"{code.co_qualname} does not ask for {', '.join(sorted(wanted))} as it did"
        if lost := names.intersection(_looked_up(code)):
            return f"{code.co_qualname} still looks for {', '.join(sorted(lost))}"
    return ""


def _looked_up(code: CodeType) -> Iterator[str]:
    """Names that a code object reads from its module, each as often as it does."""
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            yield each.argval


def _asked_for(code: CodeType) -> Counter[str]:
    """Names that it asks the module itself for."""
    instructions = [each for each in dis.get_instructions(code) if each.opname != "PUSH_NULL"]
    return Counter(
        after.argval
        for each, after in itertools.pairwise(instructions)
        if each.opname == "LOAD_GLOBAL" and each.argval == HERE
    )


def _is_added(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name.startswith(PREFIX)
    if isinstance(node, ast.ImportFrom):
        return node.module == HELPER
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == HERE


class _Restored(ast.NodeTransformer):
    """Puts ``name`` in the place of ``_fast_start_here.name``."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == HERE:
            return ast.copy_location(ast.Name(id=node.attr, ctx=node.ctx), node)
        return self.generic_visit(node)


def _codes(source: bytes) -> Iterator[CodeType]:
    """Every code object of a module."""
    waiting = [compile(source, "<module>", "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        yield code
        # What a module puts into functions of its own is not a part of it.
        waiting += [
            each
            for each in code.co_consts
            if isinstance(each, CodeType) and not each.co_name.startswith(PREFIX)
        ]
