"""Leftovers are told from data, and what a package manager does from what is nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spike.installed import remains

HOME, SESSION = "home/tester", "run/user/61234"


@pytest.mark.parametrize(
    "path",
    [
        "tmp/sidecar-1",
        "tmp/_MEIabc/libz.so",
        "var/tmp/x",
        "dev/shm/sem.x",
        "home/tester/.app/settings",
        "home/tester/.bashrc",
        "home/other/.config/app/x",
        "run/app.pid",
        "home/tester/.config",
    ],
)
def test_leftovers(path: str) -> None:
    """Whatever lies outside of the folders for data; an empty folder for data is none."""
    judged = remains.judge([path], home=HOME, session=SESSION)
    assert judged.leftovers == (() if path.endswith("/.config") else (path,))
    assert judged.data_folders == ()


def test_data_is_named_by_its_folder() -> None:
    """One name for all that an application keeps in one place."""
    paths = [
        "home/tester/.config/app/a",
        "home/tester/.config/app/b/c",
        "home/tester/.cache/mesa_shader_cache/index",
        "home/tester/.local/share/app.id/db",
        "home/tester/.local/state/app/log",
    ]
    judged = remains.judge(paths, home=HOME, session=SESSION)
    assert judged.leftovers == ()
    assert judged.data_folders == (
        "~/.cache/mesa_shader_cache",
        "~/.config/app",
        "~/.local/share/app.id",
        "~/.local/state/app",
    )


@pytest.mark.parametrize("path", ["tmp/.X0-lock", "tmp/.X11-unix/X0", f"{SESSION}/bus"])
def test_the_sessions_own_files_are_none(path: str) -> None:
    """Display and bus are there before the application and after it."""
    assert remains.judge([path], home=HOME, session=SESSION).leftovers == ()


def test_foreign_files_of_the_system() -> None:
    """Neither listed nor a database or cache of the package manager's."""
    changed = ["usr/bin/app", "var/lib/dpkg/status", "usr/lib/app/written", "etc/ld.so.cache"]
    assert remains.foreign(changed, ["usr/bin/app"]) == ("usr/lib/app/written",)


def test_changes_are_seen(tmp_path: Path) -> None:
    """New, other and gone files, and folders that are empty where those count."""
    (tmp_path / "kept").write_text("1")
    (tmp_path / "other").write_text("1")
    (tmp_path / "gone").write_text("1")
    before = remains.stamps(tmp_path, "area", empty_folders=True)
    (tmp_path / "other").write_text("two")
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_text("1")
    (tmp_path / "folder").mkdir()
    after = remains.stamps(tmp_path, "area", empty_folders=True)
    expected = ("area/folder/.", "area/gone", "area/new", "area/other")
    assert tuple(os.path.normpath(p) for p in remains.changed(before, after)) == tuple(
        os.path.normpath(p) for p in expected
    )


def test_a_whiteout_of_nothing_is_no_change(tmp_path: Path) -> None:
    """But that of a file of the system's is: the application has removed it."""
    (tmp_path / "there").touch()
    found = {"there": remains.WHITEOUT, "idle": remains.WHITEOUT, "file": (1, 2, 3, 4)}
    kept = remains.without_idle_whiteouts(found, tmp_path)
    assert set(kept) == {"there", "file"}
