"""Which process runs which program of a package."""

from __future__ import annotations

import pytest

from spike.installed import running

PROGRAMS = ("usr/bin/app", "usr/bin/side")


@pytest.mark.parametrize(
    ("exe", "command", "program"),
    [
        ("/usr/bin/side", ("side",), "usr/bin/side"),
        ("/usr/bin/python3", ("/usr/bin/python3", "/usr/bin/side", "-x"), "usr/bin/side"),
        ("/usr/bin/python3", ("/usr/bin/python3", "-I", "/usr/bin/side"), "usr/bin/side"),
        ("/usr/bin/vim", ("vim", "a", "b", "/usr/bin/side"), ""),
        ("/bin/sh", ("sh", "usr/bin/side"), ""),
        ("/", (), ""),
    ],
)
def test_a_process_runs_a_program(exe: str, command: tuple[str, ...], program: str) -> None:
    """By its file, or as a script by the first words of its command line."""
    assert running.program_of(exe, command, PROGRAMS) == program


def test_ancestors_end_in_a_circle_too() -> None:
    """Process ids are used again while the list is read."""
    assert list(running.ancestors(3, {3: 2, 2: 1, 1: 0})) == [3, 2, 1]
    assert list(running.ancestors(3, {3: 2, 2: 3})) == [3, 2]
