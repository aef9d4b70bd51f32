"""A long build is announced, and says how far it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from spike.build import compiling


@pytest.mark.parametrize(
    ("modules", "last_s", "processors", "says"),
    [
        (20, None, 2, ""),
        (1000, None, 2, "1000 modules are compiled, which takes about 9 minutes"),
        (1000, None, 8, "1000 modules are compiled, which takes about 3 minutes"),
        (1000, 60.0, 2, ""),
        (20, 400.0, 2, "the last build took 7 minutes"),
    ],
    ids=["short", "long", "many processors", "cached", "as the last one"],
)
def test_what_is_said_beforehand(
    modules: int, last_s: float | None, processors: int, says: str
) -> None:
    """What the last build of the same variant took is better than any estimate."""
    assert compiling.announcement(modules, last_s, processors) == says


def test_progress_has_a_rate_once_it_is_known() -> None:
    """Few objects say nothing about the others."""
    assert compiling.progress(1034, 3, 1.0) == "3 of 1034 C files are compiled"
    assert compiling.progress(1034, 314, 0.5).endswith(", about 6 minutes left")
    assert compiling.progress(100, 90, 0.5).endswith(", about 5 s left")


def test_files_are_counted_while_the_compiler_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder comes to be after the start."""
    monkeypatch.setattr(compiling, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(compiling, "_SAY_EVERY_S", 0.05)
    told: list[str] = []
    with compiling.watched(tmp_path, told.append):
        place = tmp_path / "main.build"
        place.mkdir()
        for number in range(4):
            (place / f"module.m{number}.c").touch()
        (place / "static_src").mkdir()
        (place / "module.m0.o").touch()
        patience = time.monotonic() + 5
        while not told and time.monotonic() < patience:
            time.sleep(0.01)
    assert told[0] == "1 of 4 C files are compiled"
