"""Rust for Windows: what is fetched, how cargo is called, what its tests said."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_cargo_is_told_the_target() -> None:
    """Behind the name of the command."""
    line = rust.Rust().cargo("test", "--locked")
    assert line == ["cargo", "test", "--target", rust.TARGET, "--locked"]


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
