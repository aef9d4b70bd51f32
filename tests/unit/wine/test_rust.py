"""Rust for Windows: what is fetched, how cargo is called, what its tests said."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.build import doctor
from spike.core.errors import MissingToolError
from spike.wine import rust

DEPENDS = """\
rustc-web
  Depends: libc6
  Depends: libstd-rust-web-dev
  Depends: gcc
 |Depends: <libc-dev>
libstd-rust-web-dev
  Depends: libstd-rust-web-1.96
libstd-rust-web-1.96
  Depends: libllvm22
  Depends: libgcc-s1
"""

OUTPUT = """\
test one ... ok
test two ... FAILED
test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: ok. 43 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.41s
"""


def test_only_the_compiler_is_fetched() -> None:
    """The C library and compiler are here, and are not replaced."""
    assert rust.parts(DEPENDS) == [
        *("libllvm22", "libstd-rust-web-1.96", "libstd-rust-web-dev"),
        *("rust-web-src", "rustc-web"),
    ]
    assert rust.parts("") == ["libstd-rust-web-dev", "rust-web-src", "rustc-web"]


def test_what_tests_said_is_counted_and_named() -> None:
    """All of their programs together."""
    assert rust.summary(OUTPUT) == "44 passed; failed: two"
    assert rust.summary("") == "0 passed; failed: none"
    hanging = "test a::slow has been running for over 60 seconds\n"
    hanging += "test a::hangs has been running for over 60 seconds\ntest a::slow ... ok\n"
    assert rust.summary(hanging) == "0 passed; failed: none; not ended: a::hangs"


def test_cargo_is_told_the_target() -> None:
    """Behind the name of the command."""
    line = rust.Rust().cargo("test", "--locked")
    assert line == ["cargo", "test", "--target", rust.TARGET, "--locked"]


def test_the_doctor_looks_for_a_rust_and_for_one_that_compiles_for_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither; a Rust alone; the target of rustup's; Debian's, unpacked."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def there(place: Path = tmp_path) -> list[bool]:
        return [item.there for item in doctor.examine(rust.needs(place))]

    def program(name: str, line: str) -> None:
        path = programs / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    assert there() == [False, False]
    program("cargo", "echo 1.95.0")
    library = tmp_path / "lib"
    library.mkdir()
    program("rustc", f"echo {library}")
    assert there() == [True, False]
    assert "rustup target add" in doctor.examine(rust.needs(tmp_path))[1].remedy
    (library / "libstd-0123.rlib").touch()
    assert there() == [True, True]
    (library / "libstd-0123.rlib").unlink()
    fetched = tmp_path / "rust" / "usr" / "bin" / "rustc"
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    assert there() == [True, True]
    assert there(tmp_path / "elsewhere") == [True, False]


def test_without_a_rust_none_for_windows_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The doctor says that there is none; it does not end in an error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    rust.bring(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_target_is_rustups_where_it_can_fetch_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it the standard library need not be compiled; where it cannot, Debian's is tried."""
    library = tmp_path / "lib"
    library.mkdir()
    rlib = library / "libstd-0123.rlib"
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for name, line in {
        "cargo": "exit 0",
        "rustc": f"echo {library}",
        "apt-cache": "exit 1",
        "rustup": f'[ "$*" = "target add {rust.TARGET}" ] && touch {rlib}',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    rust.bring(tmp_path / "there")
    assert rlib.is_file()
    assert not (tmp_path / "there").exists()
    rlib.unlink()
    (tmp_path / "rustup").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(MissingToolError, match="no standard library"):
        rust.bring(tmp_path / "elsewhere")


def test_without_a_rust_for_windows_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cargo; then no target, and no Debian to fetch one from."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="cargo"):
        rust.find(tmp_path, tmp_path / "log")
    for name in ("cargo", "rustc"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    with pytest.raises(MissingToolError) as caught:
        rust.find(tmp_path, tmp_path / "log")
    assert caught.value.try_next == f"rustup target add {rust.TARGET}"
