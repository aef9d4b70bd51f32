"""Which process runs which program of a package."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spike.installed import running
from spike.installed.root import Root
from spike.installed.running import Running

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


def one(pid: int, *words: str) -> Any:
    return SimpleNamespace(pid=pid, exe=lambda: words[0], cmdline=lambda: words)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_script_has_a_link_and_becomes_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called by a link or from its folder; what it starts by ``exec`` is no sidecar."""
    run: Any = object.__new__(Running)
    run._root = Root(tmp_path, as_root=True)
    (run._root.path / "opt").mkdir(parents=True)
    (run._root.path / "opt/app").touch()
    (run._root.path / "app").symlink_to("/opt/app")
    run._request = SimpleNamespace(now=SimpleNamespace(main="opt/app", sidecars=PROGRAMS[1:]))
    monkeypatch.chdir(run._root.path / "opt")
    own, other = os.getpid(), os.getppid()
    run._child, side = one(own), one(other, "/usr/bin/side")
    for words in (("/bin/sh", "/opt/../app"), ("/bin/sh", "./app"), ("/usr/bin/side",)):
        first = one(own, *words)
        monkeypatch.setattr(running, "others", lambda *_, first=first: [first, side])
        assert run.main() is first
        assert run.sidecars() == {other: "usr/bin/side"}


def test_ancestors_end_in_a_circle_too() -> None:
    """Process ids are used again while the list is read."""
    assert list(running.ancestors(3, {3: 2, 2: 1, 1: 0})) == [3, 2, 1]
    assert list(running.ancestors(3, {3: 2, 2: 3})) == [3, 2]
