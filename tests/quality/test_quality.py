"""Style, format and types are promises like any other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spike.core.workspace import ROOT

CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": [
        "mypy",
        "spike",
        "benchmarks",
        "decision",
        "commands",
        "tests",
        "noxfile.py",
        "tasks.py",
        "bootstrap.py",
    ],
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_tree_is_clean(name: str) -> None:
    """Each checker of the tool environment finds nothing."""
    done = subprocess.run(
        [sys.executable, "-m", *CHECKS[name]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
