"""The tests are where a reader of a module looks for them, and import nothing of each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT

UNIT = ROOT / "tests" / "unit"
ROOMS = sorted(path for path in UNIT.iterdir() if path.is_dir() and path.name != "__pycache__")
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def sources(room: str) -> set[str]:
    """Names that a test of this room may have: its modules and packages, at any depth."""
    folder = next(path for path in (ROOT / "spike" / room, ROOT / room) if path.is_dir())
    found = {path for path in folder.rglob("*.py") if path.stem not in ("__init__", "__main__")}
    return {path.stem for path in found} | {path.parent.name for path in found}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_unit_tests_mirror_the_modules(room: Path) -> None:
    """tests/unit/ROOM/test_MODULE.py is about ROOM's MODULE."""
    known = sources(room.name)
    strangers = [
        path.name for path in room.glob("test_*.py") if path.stem.removeprefix("test_") not in known
    ]
    assert strangers == []


def test_every_unit_test_is_in_a_room() -> None:
    """Beside the rooms lies only what is about a module at the root."""
    beside = {path.stem.removeprefix("test_") for path in UNIT.glob("test_*.py")}
    assert beside <= {path.stem for path in ROOT.glob("*.py")}


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_no_test_imports_another(path: Path) -> None:
    """What tests share lies in tests/support: a test can be moved or deleted by itself."""
    imported = [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [f"{node.module}.{item.name}" for item in node.names]
            if isinstance(node, ast.ImportFrom)
            else [item.name for item in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    wrong = [
        name
        for name in imported
        if name.startswith("tests.") and not name.startswith("tests.support")
    ]
    assert wrong == []


def test_every_integration_test_says_what_it_is() -> None:
    """The markers select; a test without one would run in every selection and in none."""
    kinds = ("integration", "host", "measuring", "nightly")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/integration", "--collect-only", "-q"),
            *("-p", "no:cacheprovider", "-m", f"not ({' or '.join(kinds)})"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
