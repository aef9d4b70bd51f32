"""A Python is found by its version, and never by its name alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.core.errors import MissingToolError
from spike.project import interpreters

HERE = "{}.{}.{}".format(*sys.version_info)


def test_the_running_python_will_do() -> None:
    """By two numbers or by three."""
    for version in (HERE, HERE.rpartition(".")[0]):
        assert interpreters.version_of(str(interpreters.find(version))) == HERE


def test_a_name_that_does_not_hold_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shim of pyenv's says that it is there, and is not; the one below its versions is."""
    shim = tmp_path / "bin" / "python3.99"
    real = tmp_path / "pyenv" / "versions" / "3.99.4" / "bin" / "python3"
    for path, text in ((shim, "echo no such command >&2; exit 127"), (real, "echo 3.99.4")):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(shim.parent), prepend=":")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert interpreters.find("3.99") == real
    assert interpreters.find("3.99.4") == real
    with pytest.raises(MissingToolError, match=r"no Python 3\.98 here") as caught:
        interpreters.find("3.98")
    assert caught.value.try_next == "uv python install 3.98"
    with pytest.raises(MissingToolError, match=r"no Python 3\.9 here"):
        interpreters.find("3.9")
