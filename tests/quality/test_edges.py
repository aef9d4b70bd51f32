"""Errors become text at exactly two edges: that of the invoke tasks, and that of Nox."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from spike.core import errors
from spike.core.workspace import TOOL as ROOT

EDGES = {
    "commands/edge.py",  # invoke
    "spike/core/command_line.py",  # what a Nox session runs, and every python -m
    "spike/build/nox_sessions.py",  # a session itself
}
OURS = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.SpikeError)
}
SPEAKS = {"print", "_say", "exit", "Exit", "write", "session.error", "log"}


def modules() -> Iterator[Path]:
    for name in ("spike", "benchmarks", "decision", "commands", "packaging_spike"):
        yield from (ROOT / name).rglob("*.py")
    yield from ROOT.glob("*.py")


def told(source: str) -> list[int]:
    """Lines of handlers that print one of our errors, end with its code, or hand it to Nox."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler) or node.type is None:
            continue
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
        if not caught & OURS:
            continue
        for part in ast.walk(ast.Module(body=node.body, type_ignores=[])):
            speaks = isinstance(part, ast.Call) and (
                (isinstance(part.func, ast.Name) and part.func.id in SPEAKS)
                or (isinstance(part.func, ast.Attribute) and part.func.attr in {*SPEAKS, "error"})
            )
            ends = isinstance(part, ast.Attribute) and part.attr == "exit_code"
            if speaks or ends:
                lines.append(node.lineno)
                break
    return lines


def test_errors_become_text_at_two_edges_only() -> None:
    """Anywhere else an error is raised or turned into a value: what it says is said once."""
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in modules()
        if (lines := told(path.read_text(encoding="utf-8")))
    }
    assert set(found) <= EDGES, found
    assert {"commands/edge.py", "spike/core/command_line.py"} <= set(found)


def test_a_printed_error_would_be_found() -> None:
    """The check above is able to fail."""
    for body in ("print(error)", "return error.exit_code", "sys.stderr.write(str(error))"):
        source = f"try:\n    pass\nexcept SpikeError as error:\n    {body}\n"
        assert told(f"def f():\n{''.join('    ' + line + chr(10) for line in source.splitlines())}")
    assert not told("try:\n    pass\nexcept SpikeError:\n    reason = 'none'\n")
