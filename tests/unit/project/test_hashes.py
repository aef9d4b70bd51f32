"""A lock has the hashes of what is installed somewhere, and no others."""

from __future__ import annotations

import os
import platform
import shlex
import sysconfig
from pathlib import Path

import pytest

from spike.core.errors import StorageError
from spike.project import hashes, sidecar, sidecarlock

PYTHONS = ("3.11", "3.14")
HERE = r"(musllinux\w*|linux)_riscv64"


@pytest.mark.parametrize(
    "name",
    [
        *("a-1.tar.gz", "a-1.zip", "a-1-py3-none-any.whl", "a-1-py2.py3-none-any.whl"),
        *("a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",),
        *("a-1-cp314-cp314-macosx_11_0_arm64.whl", "a-1-cp314-cp314-macosx_10_9_universal2.whl"),
        *("a-1-cp37-abi3-win_amd64.whl", "a-1-cp311-none-win_amd64.whl"),
        *("a-1-3-py3-none-manylinux_2_28_aarch64.whl", "a-1-py39-none-linux_x86_64.whl"),
        *("a-1-cp311-cp311-musllinux_1_2_riscv64.whl", "a.b-1-cp310.cp311-none-any.whl"),
    ],
)
def test_what_can_be_installed_is_kept(name: str) -> None:
    """Sources, and wheels for a wanted Python on a system of the workflows or on the own one."""
    assert hashes.usable(name, pythons=PYTHONS, here=HERE)


@pytest.mark.parametrize(
    "name",
    [
        *("a-1-cp310-cp310-win_amd64.whl", "a-1-cp315-cp315-win_amd64.whl"),
        *("a-1-cp314-cp314t-win_amd64.whl", "a-1-cp315-abi3-win_amd64.whl"),
        *("a-1-pp311-pypy311_pp73-win_amd64.whl", "a-1-py2-none-any.whl"),
        *("a-1-cp310-none-any.whl", "a-1-py315-none-any.whl", "a-1-cp314-abi3t-win_amd64.whl"),
        *("a-1-cp311-cp311-win32.whl", "a-1-cp311-cp311-win_arm64.whl"),
        *("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", "a-1-cp311-cp311-manylinux2014_i686.whl"),
        *("a-1-cp311-cp311-manylinux_2_17_riscv64.whl", "a-1-cp313-cp313-ios_13_0_arm64.whl"),
    ],
)
def test_what_nobody_installs_is_not(name: str) -> None:
    """Another Python, another machine, another C library than the own system's."""
    assert not hashes.usable(name, pythons=PYTHONS, here=HERE)


def digest(letter: str) -> str:
    return letter * 64


def requirement(name: str, *letters: str) -> str:
    listed = [f" \\\n    --hash=sha256:{digest(letter)}" for letter in letters]
    return f"{name}==1{''.join(listed)}\n    # via app\n"


FILES = {
    digest("a"): "x-1-cp311-cp311-win_amd64.whl",
    digest("b"): "x-1-cp311-cp311-win32.whl",
    digest("c"): "y-1-cp310-cp310-win_amd64.whl",
}


def test_a_requirement_is_never_left_without_a_hash() -> None:
    """The order, the notes and what is not known of a release stay where nothing is usable."""
    text = "# head\n" + requirement("x", "b", "a", "d") + requirement("y", "c") + "z @ file:///z\n"
    after = "# head\n" + requirement("x", "a") + requirement("y", "c") + "z @ file:///z\n"
    assert hashes.kept(text, FILES, pythons=PYTHONS, here="") == after
    assert hashes.kept(text, {}, pythons=PYTHONS, here="") == text
    both = hashes.kept(text, FILES, pythons=PYTHONS, here="win32")
    assert both.startswith("# head\n" + requirement("x", "b", "a") + "y")


def resolver(folder: Path, *, old: bool = False) -> Path:
    """A uv that resolves to two wheels of x; an old one knows no other format."""
    wheels = ", ".join(
        f'{{ url = "https://example.org/{name}#f", hashes = {{ sha256 = "{key}" }} }}'
        for key, name in FILES.items()
    )
    (folder / "lock.toml").write_text(f'[[packages]]\nname = "x"\nwheels = [{wheels}]\n')
    (folder / "lock.txt").write_text(requirement("x", "b", "a"))
    place = shlex.quote(str(folder))
    named = "exit 2" if old else f"exec cat {place}/lock.toml"
    program = folder / "uv"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *pylock.toml*) {named};; *compile*) cat {place}/lock.txt;; esac\n'
    )
    program.chmod(0o755)
    return folder


@pytest.mark.skipif(os.name == "nt", reason="the resolver here is a shell script")
@pytest.mark.parametrize("old", [False, True])
def test_a_lock_is_written_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: bool
) -> None:
    """By the command that writes it; a resolver that cannot name files leaves every hash."""
    monkeypatch.setenv("PATH", f"{resolver(tmp_path, old=old)}{os.pathsep}{os.environ['PATH']}")
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.py").touch()
    (app / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\ndependencies = ["x"]\n'
    )
    assert sidecarlock.main([str(app)]) == 0
    lock = app / "requirements.lock"
    head = '# Made by nox -s lock for: ["x"]\n'
    assert lock.read_text() == head + requirement("x", *("ba" if old else "a"))
    assert ("every hash is kept" in capsys.readouterr().out) is old
    assert sidecarlock.check(sidecar.load(app)) == lock


@pytest.mark.skipif(os.name == "nt", reason="the resolver here is a shell script")
def test_a_lock_that_is_there_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the versions that it has; once."""
    monkeypatch.setenv("PATH", f"{resolver(tmp_path)}{os.pathsep}{os.environ['PATH']}")
    lock = tmp_path / "lock.txt"
    assert hashes.main([str(lock)]) == 0
    assert lock.read_text() == requirement("x", "a")
    assert "written; hashes left out: 1" in capsys.readouterr().out
    assert hashes.main([str(lock)]) == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(StorageError, match="cannot be read"):
        hashes.main([str(tmp_path / "none.txt")])


@pytest.mark.parametrize(
    ("name", "libc", "pattern"),
    [
        ("linux-ppc64le", "glibc", r"(manylinux\w*|linux)_ppc64le"),
        ("linux-x86_64", "", r"(musllinux\w*|linux)_x86_64"),
        ("win-arm64", "", "win_arm64"),
        ("win32", "", "win32"),
        ("macosx-14.0-arm64", "", ""),
    ],
)
def test_the_own_system_is_known_by_its_tags(
    monkeypatch: pytest.MonkeyPatch, name: str, libc: str, pattern: str
) -> None:
    """So that whoever locks on it can build there; macOS is among the others already."""
    monkeypatch.setattr(sysconfig, "get_platform", lambda: name)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert hashes.system_here() == pattern
