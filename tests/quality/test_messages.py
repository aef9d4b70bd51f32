"""What is said to users holds in a repository of their own, where there is no clone of this one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT

ONLY_HERE = re.compile(r"bootstrap\.py|\.venv[/\\]bin|python -m (benchmarks|spike|decision)\b")
"""Commands of a clone."""

ALLOWED = {
    "benchmarks/faults/entries.py",  # names the command of each of the two
    "spike/build/reference.py",  # for those who work on this repository
    "commands/listing.py",  # writes docs/commands.md, which is about this repository
}


def said(path: Path) -> Iterator[str]:
    """The texts of a module that are no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and node not in docstrings:
            yield text


def test_no_message_names_a_command_of_a_clone() -> None:
    """Whoever has the wheel has neither bootstrap.py nor this repository's modules in reach."""
    found = {
        path.relative_to(ROOT).as_posix(): texts
        for name in ("spike", "benchmarks", "decision", "commands", "packaging_spike")
        for path in (ROOT / name).rglob("*.py")
        if (texts := [text for text in said(path) if ONLY_HERE.search(text)])
    }
    assert {path: texts for path, texts in found.items() if path not in ALLOWED} == {}
    assert set(found) == ALLOWED


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("print('Try: python3 bootstrap.py')", 1),
        ('"""See bootstrap.py."""', 0),
        ("x = f'.venv/bin/{y}'", 1),
    ],
)
def test_one_would_be_found(tmp_path: Path, source: str, number: int) -> None:
    """In any text but a docstring."""
    path = tmp_path / "module.py"
    path.write_text(source, encoding="utf-8")
    assert sum(bool(ONLY_HERE.search(text)) for text in said(path)) == number
