"""What native code asks of a system."""

from __future__ import annotations

import sys
from pathlib import Path

from spike.measure import elf


def test_glibc_versions_are_compared_as_numbers() -> None:
    """2.4 is older than 2.34, and private symbols have no version."""
    assert elf.glibc_version("GLIBC_2.34") > elf.glibc_version("GLIBC_2.4")
    assert elf.glibc_version("GLIBC_PRIVATE") == ()
    assert elf.runs_on("2.35")[0] == "Ubuntu 22.04"
    assert "Debian 11" in elf.runs_on("2.31")


def test_native_code_of_this_system_is_read() -> None:
    """The running interpreter asks for libc, and a text file for nothing."""
    found = elf.needs([Path(sys.executable).resolve(), Path(__file__)])
    if sys.platform == "linux":
        assert found.native_files == 1
        assert "libc.so.6" in found.libraries
        assert found.glibc


def test_a_damaged_program_has_no_needs(tmp_path: Path) -> None:
    """A file that only begins like native code is passed over."""
    path = tmp_path / "cut"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 20)
    assert elf.needs([path]).native_files == 0
