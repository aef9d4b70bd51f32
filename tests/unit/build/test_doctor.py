"""What the work needs: found, named with its remedy, and installed only where that can be done."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from spike.build import doctor
from spike.build.doctor import Need
from spike.core.errors import MissingToolError, SpikeError
from spike.core.workspace import TOOL as ROOT

THERE = Need(name="there", purpose="builds", programs=("no-such-program", "tool"), apt="tool-deb")
GONE = Need(name="gone", purpose="builds: some", programs=("no-such-program",), apt="gone-deb")
OTHER = Need(
    name="other", purpose="Tauri host", programs=("nor-this",), elsewhere="fetch it yourself"
)
OPTIONAL = Need(name="extra", purpose="figures", required=False, programs=("nor-that",), apt="x")


def program(folder: Path, name: str, *lines: str) -> Path:
    """Write a program into a folder."""
    path = folder / name
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, with one tool in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "tool", "echo tool, version 4.5.6 of 2026")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_program_is_found_by_any_of_its_names_with_its_version(path: Path) -> None:
    """PATH decides; the version is what the program says."""
    (found,) = doctor.examine([THERE])
    assert (found.there, found.version, found.remedy) == (True, "4.5.6", "")
    (found,) = doctor.examine([GONE])
    assert (found.there, found.version) == (False, "")


def test_a_program_that_tells_no_version_is_there_all_the_same(path: Path) -> None:
    """Nothing is asked of one that would open a window, and silence is no absence."""
    program(path, "silent", "exit 3")
    silent = Need(name="silent", purpose="", programs=("silent",))
    (found,) = doctor.examine([silent])
    assert (found.there, found.version) == (True, "")
    unasked = Need(name="unasked", purpose="", programs=("tool",), version=())
    (found,) = doctor.examine([unasked])
    assert (found.there, found.version) == (True, "")


def test_a_library_is_there_when_pkg_config_knows_it(path: Path) -> None:
    """Without pkg-config no library is."""
    library = Need(name="library", purpose="", library="known")
    assert not doctor.examine([library])[0].there
    program(path, "pkg-config", '[ "$2" = known ] && echo 2.4')
    (found,) = doctor.examine([library])
    assert (found.there, found.version) == (True, "2.4")
    assert not doctor.examine([Need(name="", purpose="", library="unknown")])[0].there


def test_a_file_is_there_when_it_is(tmp_path: Path) -> None:
    """Such as a header that no program tells of."""
    header = tmp_path / "x.h"
    need = Need(name="header", purpose="", file=str(header))
    assert not doctor.examine([need])[0].there
    header.touch()
    assert doctor.examine([need])[0].there


def test_what_no_file_shows_says_itself_whether_it_is_there() -> None:
    """Such as a target of a compiler."""
    needs = [Need(name="a", purpose="", known=lambda: True)]
    needs.append(Need(name="b", purpose="", known=lambda: False))
    assert [found.there for found in doctor.examine(needs)] == [True, False]


def test_the_remedy_is_what_helps_on_this_system(path: Path) -> None:
    """A package where apt is, else the advice, else at least a sentence."""
    gone, other = doctor.examine([GONE, OTHER])
    assert gone.remedy == "install gone with your system's package manager"
    assert other.remedy == "fetch it yourself"
    program(path, "apt-get")
    assert gone.remedy == "apt-get install gone-deb"
    assert other.remedy == "fetch it yourself"


def test_what_is_missing_is_told_for_one_part_of_the_work(path: Path) -> None:
    """The builds do not wait for what only the host needs."""
    found = doctor.examine([THERE, GONE, OTHER])
    assert [item.need.name for item in doctor.missing(found)] == ["gone", "other"]
    assert [item.need.name for item in doctor.missing(found, purpose="builds")] == ["gone"]


def test_the_table_tells_the_necessary_from_the_optional(path: Path) -> None:
    """One row each, with the way to get it."""
    rows = doctor.render(doctor.examine([THERE, GONE, OPTIONAL])).splitlines()
    assert "| there " in rows[2]
    assert "4.5.6" in rows[2]
    assert "MISSING" in rows[3]
    assert "missing (optional)" in rows[4]


def test_every_need_of_ours_can_be_met() -> None:
    """Each names a package or other advice, and which part of the work it is for."""
    for need in doctor.NEEDS:
        assert need.apt or need.elsewhere, need.name
        assert need.purpose, need.name
        assert need.programs or need.library or need.file, need.name


def test_nothing_is_installed_when_nothing_is_missing(path: Path) -> None:
    """Also where nothing could be: there is no apt here."""
    assert doctor.install(doctor.examine([THERE])) == []


def test_without_apt_the_missing_are_named(path: Path) -> None:
    """The command cannot do it, and says for which systems it could."""
    with pytest.raises(MissingToolError, match=r"Debian and Ubuntu only\. .*gone"):
        doctor.install(doctor.examine([THERE, GONE]))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="root is a matter of POSIX")
class TestApt:
    """With an ``apt-get`` that writes down how it was called."""

    @pytest.fixture
    def calls(self, path: Path, tmp_path: Path) -> Path:
        """The file it writes to."""
        written = tmp_path / "calls"
        program(path, "apt-get", f'echo "$DEBIAN_FRONTEND $@" >> {written}')
        return written

    @pytest.fixture
    def _as_root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)

    @pytest.fixture
    def _as_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)

    @pytest.mark.usefixtures("_as_root")
    def test_the_missing_packages_are_installed_and_no_other(self, calls: Path) -> None:
        """Lists first, unattended, without what is merely recommended."""
        assert doctor.install(doctor.examine([THERE, GONE, OTHER])) == ["gone-deb"]
        assert calls.read_text().splitlines() == [
            "noninteractive update",
            "noninteractive install --yes --no-install-recommends gone-deb",
        ]

    @pytest.mark.usefixtures("_as_root")
    def test_a_failure_of_apt_is_passed_on(self, path: Path) -> None:
        """Its last words, and the command to try by hand."""
        program(path, "apt-get", "echo E: the mirror is on fire >&2", "exit 100")
        with pytest.raises(SpikeError) as caught:
            doctor.install(doctor.examine([GONE]))
        assert "apt-get update failed with exit code 100" in str(caught.value)
        assert "the mirror is on fire" in str(caught.value)
        assert "apt-get install -y gone-deb" in caught.value.try_next

    @pytest.mark.usefixtures("_as_user")
    def test_without_root_and_sudo_the_command_for_root_is_named(self, calls: Path) -> None:
        """Nothing is tried."""
        with pytest.raises(MissingToolError) as caught:
            doctor.install(doctor.examine([GONE]))
        assert caught.value.try_next == "(as root) apt-get install -y gone-deb"
        assert not calls.exists()

    @pytest.mark.usefixtures("_as_user")
    @pytest.mark.parametrize(("ci", "option"), [("", ""), ("true", "-n ")])
    def test_sudo_asks_no_question_that_nobody_would_answer(
        self, ci: str, option: str, path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A terminal may be asked for a password, a check of every change may not."""
        monkeypatch.setenv("CI", ci)
        program(path, "sudo", f'echo "sudo $@" >> {calls}')
        doctor.install(doctor.examine([GONE]))
        assert calls.read_text().splitlines()[0] == f"sudo {option}apt-get update"


def test_a_linux_is_asked_for_the_hosts_libraries() -> None:
    """What the compiler of the host would miss is looked for before minutes are spent."""
    names = {need.name for need in doctor.NEEDS if "Tauri host" in need.purpose}
    assert {"Rust", "Node.js"} <= names
    assert ("WebKitGTK 4.1" in names) is (sys.platform == "linux")
    assert (ROOT / "src-tauri").is_dir()
