"""Style, format and types are promises like any other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spike.core.workspace import TOOL as ROOT

CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": [
        "mypy",
        "spike",
        "benchmarks",
        "decision",
        "commands",
        "packaging_spike",
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


LARGEST_BYTES = 500_000
TREE_BYTES = 6_000_000


def test_the_tree_weighs_little() -> None:
    """A clone is quick, and every new run of a benchmark adds its whole size to the history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # A file that was deleted and not yet taken out of the index weighs nothing.
    paths = [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in paths}
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}
    assert sum(sizes.values()) < TREE_BYTES
