"""The application's program and its sidecars are found from what a package has in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from spike.build.buildinfo import file_sha256
from spike.core.errors import UsageError
from spike.installed import package
from tests.support import toy_application

NEEDS_DPKG = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")


def program(path: Path, content: bytes = b"\x7fELF", mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def test_programs_are_what_can_be_started(tmp_path: Path) -> None:
    """Neither libraries with the bit, nor files without it, nor data."""
    program(tmp_path / "app")
    program(tmp_path / "script", b"#!/bin/sh\n")
    program(tmp_path / "lib.so.1")
    program(tmp_path / "data", b"data")
    program(tmp_path / "plain", mode=0o644)
    (tmp_path / "link").symlink_to("app")
    names = ("app", "data", "lib.so.1", "link", "plain", "script")
    assert package.programs(tmp_path, names) == ("app", "script")


@pytest.mark.parametrize(
    ("name", "found"),
    [("app", "opt/App/app"), ("/usr/bin/app", "opt/App/app"), ("other", ""), ("loop", "")],
)
def test_a_program_is_found_through_its_links(tmp_path: Path, name: str, found: str) -> None:
    """As /usr/bin/app often leads to /opt; a circle leads nowhere."""
    program(tmp_path / "opt/App/app")
    links = tmp_path / "usr/bin"
    links.mkdir(parents=True)
    (links / "app").symlink_to("../../opt/App/link")
    (tmp_path / "opt/App/link").symlink_to("/opt/App/app")
    (links / "loop").symlink_to("loop")
    assert package.find_program(name, tmp_path) == found


@pytest.mark.parametrize(
    ("name", "said"), [("a.AppImage", "read-only-mount"), ("a.exe", "nsis-hook"), ("a.txt", "two")]
)
def test_what_cannot_be_installed_says_why(tmp_path: Path, name: str, said: str) -> None:
    """And which row proves something of it."""
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=said) as caught:
        package.kind_of(tmp_path / name)
    assert caught.value.try_next


def test_a_missing_file_has_the_command() -> None:
    """That makes it."""
    with pytest.raises(UsageError, match="tauri build"):
        package.kind_of(Path("nowhere.deb"))


@NEEDS_DPKG
def test_a_package_is_read(tmp_path: Path) -> None:
    """Name, version, Exec, program, sidecar."""
    found = package.read(toy_application.deb(tmp_path / "toy"), tmp_path / "read")
    assert (found.name, found.version, found.kind) == ("toy-app", "1.0", "deb")
    assert found.entry.command == ("/usr/bin/toy-app",)
    assert (found.main, found.sidecars) == ("usr/bin/toy-app", ("usr/bin/toy-sidecar",))
    assert found.hashes[found.main] == file_sha256(found.tree / found.main)
    assert "DEBIAN/control" not in found.files
    assert found.health == ""


@NEEDS_DPKG
def test_no_package_at_all_is_said(tmp_path: Path) -> None:
    """With dpkg's own words."""
    (tmp_path / "a.deb").write_text("no")
    with pytest.raises(UsageError, match="cannot be read as a package"):
        package.read(tmp_path / "a.deb", tmp_path / "read")


def test_the_health_address_of_a_resource(tmp_path: Path) -> None:
    """Of the first sidecar.json that has one."""
    file = tmp_path / "sidecar.json"
    file.write_text("{")
    assert package._health(tmp_path, ("sidecar.json",)) == ""
    file.write_text(json.dumps({"health": "http://127.0.0.1:1/h"}))
    assert package._health(tmp_path, ("sidecar.json",)) == "http://127.0.0.1:1/h"
