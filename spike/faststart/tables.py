"""Tables of what a program makes anew at each start: compiled patterns and code made from text.

A trial run notes which patterns ``re`` compiles until READY, and from which texts dataclasses and
typing make code. Both are made here, once, in the Python that is packaged. What they are made of
decides alone, so the same notes give the same tables, byte for byte.

Standard library only: it runs in the packager's environment.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import re
import struct
import sys
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from spike.faststart.lazy import Key
from spike.packagers.recipe import TABLES

STAGED: Final = Path(__file__).parent / "staged"

MOST_PATTERNS: Final = 400
"""``re`` forgets what it has when its cache holds 512 (3.11 to 3.14)."""

_BY_PLACE: Final = re.LOCALE | re.DEBUG
"""What a compiled pattern says of the place where it was compiled, or while it is."""


@dataclass(frozen=True, order=True)
class Text:
    """A text that code was made from.

    Attributes:
        module: The module of the standard library that made it.
        kind: ``exec`` or ``eval``, as :func:`compile` has it.
        filename: The file name that the code says.
        source: The text.
    """

    module: str
    kind: str
    filename: str
    source: str


@dataclass(frozen=True)
class Tables:
    """What is handed out at the start.

    Attributes:
        patterns: As the staged module takes them.
        texts: Likewise.
        lazy: What the interpreter's own filter of imports lets wait (:mod:`spike.faststart.lazy`).
    """

    patterns: tuple[tuple[Any, ...], ...] = ()
    texts: tuple[tuple[str, str, str, str, bytes], ...] = ()
    lazy: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns or self.texts or self.lazy)

    def module(self) -> str:
        """The text of the module that hands them out; without tables it does nothing."""
        text = (STAGED / f"{TABLES}.py").read_text(encoding="utf-8")
        for name, value in (
            ("PYTHON", sys.version if self else ""),
            ("PATTERNS", self.patterns),
            ("TEXTS", self.texts),
            ("LAZY", self.lazy),
        ):
            head, empty, tail = text.partition(f"\n{name} = ")
            text = f"{head}{empty}{value!r}\n{tail.partition(chr(10))[2]}"
        return text


def make(patterns: Collection[tuple[str | bytes, int]], texts: Collection[Text]) -> Tables:
    """Make the tables; what cannot be had beforehand is not in them.

    Args:
        patterns: Patterns with the flags that they were given with.
        texts: What code was made from.
    """
    # In an order of their own: that in which they were noted may be another each time.
    ordered = sorted(set(patterns), key=lambda each: (str(type(each[0])), each))
    made = (_pattern(pattern, flags) for pattern, flags in ordered)
    usable = {name for name in {each.module for each in texts} if _is_usable(name)}
    return Tables(
        patterns=tuple(each for each in made if each is not None)[:MOST_PATTERNS],
        texts=tuple(
            (each.module, each.kind, each.filename, each.source, code)
            for each in sorted(set(texts))
            if each.module in usable and (code := _code(each)) is not None
        ),
    )


def _pattern(pattern: str | bytes, flags: int) -> tuple[Any, ...] | None:
    """What a pattern is made of; None for one that warns, or that depends on the place."""
    compiler: Any = importlib.import_module("re._compiler")
    engine = compiler._sre
    made: list[tuple[Any, ...]] = []

    class Noting:
        """Stands for the engine, and sees what it is given."""

        def __getattr__(self, name: str) -> Any:
            return getattr(engine, name)

        def compile(self, *given: Any) -> Any:
            made.append(given)
            return engine.compile(*given)

    compiler._sre = Noting()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            usual = compiler.compile(pattern, flags)
    except (re.error, Warning, RecursionError, OverflowError):
        return None
    finally:
        compiler._sre = engine
    _, found, code, groups, names, numbers = made[0]
    if found & _BY_PLACE or engine.CODESIZE != 4:
        return None
    packed = struct.pack(f"={len(code)}I", *code)
    again = engine.compile(pattern, int(found), list(map(int, code)), groups, dict(names), numbers)
    if again != usual or again.groupindex != usual.groupindex:
        return None
    return pattern, int(flags), int(found), packed, groups, tuple(names.items()), tuple(numbers)


def _code(text: Text) -> bytes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code = compile(text.source, text.filename, text.kind, dont_inherit=True, optimize=0)
            # Later versions write what is shared by the counts of references, which vary.
            return marshal.dumps(code, 2)
    except (SyntaxError, ValueError, Warning, RecursionError):
        return None


def _is_usable(module: str) -> bool:
    """Whether a module makes code in the ways that the staged module knows."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return False
    return makes_plainly(Path(spec.origin).read_text(encoding="utf-8"))


def makes_plainly(source: str) -> bool:
    """Whether code is made without what only the caller's place tells: its names and its futures.

    Args:
        source: A module's text.
    """
    calls: Iterable[ast.AST] = ast.walk(ast.parse(source))
    for node in calls:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            return False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "exec" and (len(node.args) < 2 or node.keywords):
                return False
            if node.func.id == "compile" and len(node.args) < 3:
                return False
    return True
