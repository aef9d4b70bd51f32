"""Which process runs which program of a package."""

from __future__ import annotations

from pathlib import Path
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


class OneProcess:
    """A process as /proc shows it, which this machine need not have."""

    def __init__(self, root: Path, pid: int, *words: str) -> None:
        self.pid, self._root, self._words = pid, root, words

    def cmdline(self) -> tuple[str, ...]:
        """As a script's."""
        return self._words

    def exe(self) -> str:
        """The interpreter's."""
        return f"{self._root}/usr/bin/python3"


def test_a_script_may_be_called_by_a_link(tmp_path: Path) -> None:
    """The command line has the words with which it was called."""
    root = Root(tmp_path, as_root=True)
    for folder in ("opt/My App", "usr/bin"):
        (root.path / folder).mkdir(parents=True)
    (root.path / "opt/My App/app").touch()
    (root.path / "usr/bin/app").symlink_to("/opt/My App/app")
    one: Any = OneProcess(root.path, 1, "/usr/bin/python3", "/usr/bin/app")
    assert running._program(root, one, ("opt/My App/app",)) == "opt/My App/app"


def test_what_the_applications_script_became_is_no_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``exec`` in a script of a few lines, as many packages have one: one process, another file."""
    run: Any = object.__new__(Running)
    run._root = Root(tmp_path, as_root=True)
    run._request = type("Asked", (), {"main": "usr/bin/app", "sidecars": PROGRAMS[1:]})
    run._child = type("Child", (), {"pid": 7})
    each = [OneProcess(run._root.path, pid, "python3", "/usr/bin/side") for pid in (7, 8)]
    for process in each:
        monkeypatch.setattr(process, "exe", lambda: f"{run._root.path}/usr/bin/side")
    monkeypatch.setattr(running, "others", lambda *_: each)
    assert run.main() is each[0]
    assert run.sidecars() == {8: "usr/bin/side"}


def test_ancestors_end_in_a_circle_too() -> None:
    """Process ids are used again while the list is read."""
    assert list(running.ancestors(3, {3: 2, 2: 1, 1: 0})) == [3, 2, 1]
    assert list(running.ancestors(3, {3: 2, 2: 3})) == [3, 2]
