"""Two builds: equal, or where they first differ."""

from __future__ import annotations

from pathlib import Path

from benchmarks import reproducible


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
