"""The lines to add: there are some for each row, and they are code of their language."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spike.contract import lines
from spike.contract.promises import Row
from spike.contract.subject import GO, NODE, PYTHON
from spike.core.workspace import PROJECT_VARIABLE
from spike.core.workspace import TOOL as ROOT


@pytest.mark.parametrize("language", ["", PYTHON, NODE, GO, "COBOL"])
def test_every_row_has_lines(language: str) -> None:
    """In words where the language is not known, or has none of its own."""
    for row in Row:
        assert lines.of(row, language), row
    if language in ("", "COBOL"):
        assert all(len(lines.of(row, language)) == 1 for row in Row)
        assert all(lines.of(row, language)[0].endswith(".") for row in Row)


def test_lines_in_python_are_python() -> None:
    """What they call is in the helper, and the helper is where they say."""
    assert (ROOT / lines.HELPER).is_file()
    helper = ast.parse((ROOT / lines.HELPER).read_text(encoding="utf-8"))
    names = {node.name for node in helper.body if isinstance(node, ast.FunctionDef)}
    names |= {
        target.id
        for node in helper.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for row in Row:
        found = lines.of(row, PYTHON)
        if found == lines.of(row, ""):
            continue  # words
        tree = ast.parse("def f():\n" + textwrap.indent("\n".join(found), "    "))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "sidecar"
        }
        assert used <= names, row


@pytest.mark.skipif(sys.platform == "win32", reason="a SIGKILL")
def test_the_lines_for_killed_end_a_child_with_its_parent() -> None:
    """Two children: each has the pipes of those before it."""
    text = (
        "import multiprocessing, os, threading, time\ndef work():\n"
        + textwrap.indent("\n".join(lines.of(Row.KILLED, PYTHON)), "    ")
        + "\n    time.sleep(20)\nfor _ in 1, 2:\n"
        "    multiprocessing.get_context('fork').Process(target=work, daemon=True).start()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    # Its end comes when the last of them has closed the pipe.
    subprocess.run([sys.executable, "-c", text], stdout=subprocess.PIPE, timeout=10, check=False)


@pytest.mark.parametrize("language", [NODE, GO])
def test_what_the_lines_rest_on_is_in_the_example(language: str) -> None:
    """The calls that matter stand in the program that is known to keep the contract."""
    name = {NODE: "node/main.mjs", GO: "go/main.go"}[language]
    text = (ROOT / "examples" / "contract" / name).read_text(encoding="utf-8")
    said = "\n".join(line for row in Row for line in lines.of(row, language))
    for call in {
        NODE: ("writeSync(1,", "SIDECAR_PORT", "timingSafeEqual", "new Console(process.stderr)"),
        GO: ("signal.Notify(", "subtle.ConstantTimeCompare(", "io.Copy(io.Discard, os.Stdin)"),
    }[language]:
        assert call in said
        assert call in text


@pytest.mark.parametrize(
    ("name", "packager"),
    [("_MEI000010a8TaYewR", True), ("onefile_12_34", True), ("tmpabc", False), ("MEI", False)],
)
def test_what_a_onefile_launcher_leaves_is_no_mistake_of_the_program(
    name: str, packager: bool
) -> None:
    """There is nothing to add to its code."""
    detail = f"after SIGTERM it leaves temporary folder: {name}"
    assert ("onefile launcher" in lines.of(Row.NO_FILES, PYTHON, detail)[0]) is packager


def test_lines_name_the_helper_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another project it is copied from the tool, wherever that is installed."""
    assert f"copied from {lines.HELPER}" in lines.of(Row.READY, PYTHON)[0]
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"copied from {ROOT / lines.HELPER}" in lines.of(Row.READY, PYTHON)[0]
