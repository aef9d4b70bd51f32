"""The next version is later, and its sidecars are other files that do the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.build.buildinfo import file_sha256
from spike.installed import package, packing
from tests.support import toy_application


def test_a_later_version_in_the_control_file() -> None:
    """Only the version's own line changes."""
    control = "Package: a\nversion: 1:2.0-3\nDepends: b (>= 1)\nDescription: Version: 1\n"
    assert packing.raised_control(control) == control.replace("1:2.0-3", "1:2.0-3+next1")
    with pytest.raises(ValueError, match="no version"):
        packing.raised_control("Package: a\n")


@pytest.mark.skipif(sys.platform != "linux", reason="ELF programs run on Linux")
def test_a_marked_program_runs(tmp_path: Path) -> None:
    """With other bytes, the same length, and the file of a hard link untouched."""
    true = shutil.which("true")
    assert true
    program = tmp_path / "true"
    shutil.copy(true, program)
    (tmp_path / "link").hardlink_to(program)
    packing.mark(program)
    assert file_sha256(program) != file_sha256(tmp_path / "link")
    assert program.stat().st_size == (tmp_path / "link").stat().st_size
    assert subprocess.run([str(program)], check=False).returncode == 0


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_the_next_version_of_a_package(tmp_path: Path) -> None:
    """A later version by dpkg's own rule; the application's program is the same."""
    first = package.read(toy_application.deb(tmp_path / "toy"), tmp_path / "first")
    then = package.read(packing.next_version(first, tmp_path / "made"), tmp_path / "then")
    words = ["dpkg", "--compare-versions", then.version, "gt", first.version]
    assert subprocess.run(words, check=False).returncode == 0
    assert then.files == first.files
    differ = {path for path in first.hashes if first.hashes[path] != then.hashes[path]}
    assert differ == set(first.sidecars)


def test_a_spec_file() -> None:
    """Scriptlets and requirements are kept, empty tags are not, and files are quoted."""
    tags = {"Name": "a", "Version": "1", "Release": "2", "Summary": "s", "URL": "(none)"}
    text = packing.spec(tags, ["gtk3"], {"postin": "true", "preun": "(none)"}, ["usr/bin/a b"])
    assert "Release: 2.next1\nSummary: s\nRequires: gtk3\n" in text
    assert "%post\ntrue\n" in text
    assert "%preun" not in text
    assert "URL" not in text
    assert text.endswith('%files\n"/usr/bin/a b"\n')
