"""Tables: what is made beforehand is what would be made, and shows nowhere."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spike.faststart import tables
from spike.faststart.tables import Text
from spike.packagers.recipe import TABLES

PATTERNS = (
    (r"a(?P<name>b)?|c{2,3}", 0),
    (r"^x$", int(re.MULTILINE | re.IGNORECASE)),
    (b"\x00[\xff]+", 0),
    (r"[äöü\d]+(?=\s)", 0),
)
PROGRAM = """
from dataclasses import dataclass, field
import json, re, sys, typing

@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: "list[int]" = field(default_factory=list)

hints = typing.get_type_hints(Point)
found = re.compile(r"(\\d+)-(?P<last>\\d+)", re.ASCII).fullmatch("12-34")
try:
    typing.ForwardRef("no good")
except SyntaxError as error:
    said = str(error)
code = Point.__init__.__code__
print(json.dumps([
    repr(Point(1, [2])), str(hints), found.groupdict(), said,
    code.co_filename, code.co_firstlineno, sorted(vars(sys.modules["dataclasses"])),
    sorted(vars(typing)), typing.ForwardRef.__init__.__qualname__,
    typing.ForwardRef.__init__.__defaults__ is not None,
]))
"""
NOTED = """
import json, sys
sys.path.insert(0, {staged!r})
import dataclasses, typing
import sidecar_fast_tables as tables
told = []
for module in (dataclasses, typing):
    tables.hand_out(module, {{}}, lambda *what: told.append(what))
exec(compile(open({program!r}).read(), {program!r}, "exec"), {{"__name__": "__main__"}})
print(json.dumps(told))
"""
ASKED = r"""
import sys
sys.path.insert(0, {folder!r})
import marshal
usual, loaded = marshal.loads, []
def loads(code):
    loaded.append(code)
    return usual(code)
marshal.loads = loads
import sidecar_fast_tables
import re, re._compiler
compiled = []
usual_compile = re._compiler.compile
def compile_(pattern, flags=0):
    compiled.append(pattern)
    return usual_compile(pattern, flags)
re._compiler.compile = compile_
exec(compile(open({program!r}).read(), {program!r}, "exec"), {{"__name__": "__main__"}})
codes = [each[-1] for each in sidecar_fast_tables.TEXTS]
print(sum(code in loaded for code in codes), r"(\d+)-(?P<last>\d+)" in compiled)
"""


def run(tmp_path: Path, text: str) -> list[str]:
    script = tmp_path / "script.py"
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(("pattern", "flags"), PATTERNS)
def test_a_pattern_comes_out_as_re_makes_it(pattern: str | bytes, flags: int) -> None:
    """Equal by the engine's own comparison: code, flags and pattern."""
    (entry,) = tables.make([(pattern, flags)], []).patterns
    _, _, found, code, groups, names, numbers = entry
    made = importlib.import_module("_sre").compile(
        pattern, found, memoryview(code).cast("I").tolist(), groups, dict(names), numbers
    )
    assert made == re.compile(pattern, flags)
    assert made.groupindex == re.compile(pattern, flags).groupindex


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        pytest.param(b"\\w", int(re.LOCALE), id="of the locale"),
        pytest.param("[[a]", 0, id="warns of a set to come"),
        pytest.param("(", 0, id="is none"),
    ],
)
def test_a_pattern_that_does_more_is_compiled_as_ever(pattern: str | bytes, flags: int) -> None:
    assert not tables.make([(pattern, flags)], [])


@pytest.mark.parametrize(
    "text",
    [
        Text("dataclasses", "exec", "<string>", "x = 1 is 1"),  # warns
        Text("typing", "eval", "<string>", "no good"),
        Text("elsewhere", "eval", "<string>", "1"),
    ],
)
def test_a_text_that_does_more_is_compiled_as_ever(text: Text) -> None:
    assert not tables.make([], [text])


@pytest.mark.parametrize(
    ("source", "plainly"),
    [
        ("def f(t, g): exec(t, g)\ndef c(t): return compile(t, '<string>', 'eval')\n", True),
        ("def f(t): exec(t)\n", False),  # in the caller's own names
        ("from __future__ import annotations\ndef f(t, g): exec(t, g)\n", False),
        ("def f(t, g): exec(t, globals=g)\n", False),
    ],
)
def test_what_depends_on_the_caller_is_seen(source: str, plainly: bool) -> None:
    assert tables.makes_plainly(source) is plainly


def test_the_same_notes_give_the_same_bytes() -> None:
    """In whatever order they were noted, and in any process."""
    texts = [Text("typing", "eval", "<string>", f"list[int] | {each}") for each in "abc"]
    one = tables.make(PATTERNS, texts).module()
    assert tables.make(PATTERNS[::-1], texts[::-1]).module() == one
    code = (
        "import sys; from spike.faststart import tables; from spike.faststart.tables import Text\n"
        f"sys.stdout.write(tables.make({PATTERNS!r}, "
        "[Text('typing', 'eval', '<string>', f'list[int] | {each}') for each in 'abc']).module())"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert again.stdout == one


def test_a_program_gets_what_was_made_and_shows_nothing_else(tmp_path: Path) -> None:
    """No pattern and no text is compiled that is in the tables; what is not is compiled."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    (plain,) = run(tmp_path, PROGRAM)
    shown, noted = run(tmp_path, NOTED.format(staged=str(tables.STAGED), program=str(program)))
    assert json.loads(shown) == json.loads(plain)
    texts = {Text(*each) for each in json.loads(noted)}
    assert {each.module for each in texts} == {"dataclasses", "typing"}
    made = tables.make([(r"(\d+)-(?P<last>\d+)", int(re.ASCII))], texts)
    assert len(made.texts) == len(texts) - 1  # "no good"
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / f"{TABLES}.py").write_text(made.module())
    shown, counts = run(tmp_path, ASKED.format(folder=str(tmp_path / "made"), program=str(program)))
    assert json.loads(shown) == json.loads(plain)
    assert counts == f"{len(made.texts)} False"


def test_another_python_gets_nothing(tmp_path: Path) -> None:
    """Code and patterns are of one version; under another one the program starts as ever."""
    made = tables.make(PATTERNS, [])
    text = made.module().replace(repr(sys.version), "'3.1'")
    (tmp_path / f"{TABLES}.py").write_text(text)
    script = (
        "import sidecar_fast_tables, re\n"
        f"print(sum(key[1] == {PATTERNS[0][0]!r} for key in re._cache))"
    )
    assert run(tmp_path, script) == ["0"]
    (tmp_path / f"{TABLES}.py").write_text(made.module())
    assert run(tmp_path, script) == ["1"]
