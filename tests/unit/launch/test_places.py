"""Launches change nothing: not what ships, not the sources, not the user's home."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from spike.launch import judgement, places
from spike.launch.places import changed
from spike.launch.spec import LaunchSpec

FILE = (0o100000, 5, 1)
FOLDER = (0o040000,)


def test_the_topmost_of_what_is_new_is_named() -> None:
    """A new folder stands for what is in it; a changed and a removed file count as well."""
    before = {"kept": FILE, "edited": FILE, "gone": FILE, "old": FOLDER}
    after = {
        "kept": FILE,
        "edited": (0o100000, 6, 2),
        "old": FOLDER,
        "old/new.txt": FILE,
        "cache": FOLDER,
        "cache/a": FILE,
        "cache/b/c": FILE,
        "cache.txt": FILE,
    }
    assert changed(before, after) == ("cache", "cache.txt", "edited", "gone", "old/new.txt")


def test_names_are_bounded() -> None:
    """Ten thousand files do not make a result of megabytes."""
    told = changed({}, {f"{number:05}": FILE for number in range(10_000)})
    assert len(told) == places.MOST_NAMES + 1
    assert told[-1] == f"and {10_000 - places.MOST_NAMES} more"


WRITES = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
here = pathlib.Path(__file__).parent
(here / "notes.db").write_text("x")
with open(here / "data.txt", "a") as stream: stream.write("more")
open("service.log", "w").close()
home = pathlib.Path.home() / ".config" / "app"
home.mkdir(parents=True)
print("BOOT home=" + os.environ["XDG_DATA_HOME"], flush=True)
print("READY", flush=True)
signal.pause()
"""


def test_what_a_program_writes_is_told_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside itself, where it stands, and in the home folder."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "main.py").write_text(WRITES, encoding="utf-8")
    (sources / "data.txt").write_text("data", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = places.state_of(tmp_path)
    files = [Path("main.py"), Path("data.txt")]
    with places.copied(
        tmp_path / "build", sources / "main.py", folder=None, sources=sources, files=files
    ) as (place, copy):
        spec = LaunchSpec(
            argv=(sys.executable, "-IS", str(copy)),
            env=place.environment(),
            cwd=place.working_folder(),
        )
        done = judgement.judge(spec, place=place)
    assert done.ok, done
    assert done.wrote_program == ("data.txt", "notes.db")
    assert done.wrote_cwd == ("service.log",)
    assert done.wrote_home == (".config/app",)
    beside, stands = judgement.remarks(program=done.wrote_program, cwd=done.wrote_cwd)
    assert "notes.db" in beside
    assert "/usr and Program Files" in beside
    assert "service.log" in stands
    (tmp_path / "build").rmdir()  # empty: every copy is gone
    assert places.state_of(tmp_path) == before


def test_a_copy_shares_no_file_with_what_it_was_made_of(tmp_path: Path) -> None:
    """A program that writes into itself writes into the copy; links stay links."""
    folder = tmp_path / "app.dist"
    folder.mkdir()
    (folder / "program").write_bytes(b"x")
    (folder / "link").symlink_to("program")
    with places.copied(
        tmp_path / "build", folder / "program", folder=folder, sources=tmp_path, files=()
    ) as (place, copy):
        assert copy == place.program / "program"
        assert copy.stat().st_ino != (folder / "program").stat().st_ino
        assert (place.program / "link").readlink() == Path("program")
        copy.write_bytes(b"changed")
    assert (folder / "program").read_bytes() == b"x"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Its name tells whose it was; what belongs to a living process stays."""
    base = tmp_path / "places"
    (base / "4194304-gone").mkdir(parents=True)
    (base / f"{os.getpid()}-ours").mkdir()
    (tmp_path / "program").write_bytes(b"x")
    with places.copied(base, tmp_path / "program", folder=None, sources=tmp_path, files=()):
        names = {path.name for path in base.iterdir()}
    assert "4194304-gone" not in names
    assert f"{os.getpid()}-ours" in names
