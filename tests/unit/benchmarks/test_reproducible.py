"""Two builds: equal, or where they first differ."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import reproducible
from spike.core.errors import MissingToolError
from spike.project.sidecar import Sidecar


def test_the_first_difference_between_two_builds_is_named() -> None:
    """A missing file, a changed byte and a changed section are each told apart."""
    one = {"a": b"same", "b": b"12345", "c": b"only here"}
    assert reproducible.first_difference(one, dict(one)) == ""
    assert "c is in one" in reproducible.first_difference(one, {"a": b"same", "b": b"12345"})
    assert reproducible.first_difference(one, {**one, "b": b"12x45"}) == "b: byte 2"
    program = Path("/proc/self/exe").resolve()
    if program.is_file():
        content = program.read_bytes()
        part = reproducible.layout(content)[".rodata"]
        place = (part.start + part.stop) // 2
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert "section .rodata" in reproducible.first_difference({"p": content}, {"p": changed})
        longer = reproducible.first_difference({"p": content}, {"p": content + b"tail"})
        assert "behind the program's sections" in longer


def test_a_variant_is_built_again_in_the_environment_that_built_it(
    demo: Sidecar, another: str, project: Path
) -> None:
    """That of its Python; without it the command that makes it is named."""
    folder = "Scripts" if sys.platform == "win32" else "bin"
    own = project / ".nox" / "build_pyinstaller" / folder
    own.mkdir(parents=True)
    assert reproducible.environment_folder("pyinstaller", demo) == own
    with pytest.raises(MissingToolError) as caught:
        reproducible.environment_folder("pyinstaller", demo.with_python(another))
    assert caught.value.try_next == f"nox -s build_pyinstaller -- --python {another}"
