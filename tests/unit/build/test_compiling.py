"""A long build is announced, and says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spike.build import compiling
from spike.build.timings import Estimate
from spike.packagers.recipe import Workload


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (59.0, ""),
        (103.0, "1000 modules are compiled, which takes about 2 minutes (as the last time)"),
        (540.0, "1000 modules are compiled, which takes about 9 minutes (as the last time)"),
        (None, ""),
    ],
    ids=["short", "two minutes with something beside it", "long", "unknown"],
)
def test_what_is_said_beforehand(seconds: float | None, says: str) -> None:
    """A build of more than two minutes is announced, with what the figure rests on."""
    work = Workload(modules=1000, source_bytes=9_000_000)
    expected = Estimate(seconds=seconds, basis="as the last time") if seconds else None
    assert compiling.announcement(work, expected) == says


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
        _until(lambda: bool(told))
        (place / "module.m0.o").touch()
        _until(lambda: told[-1:] == ["1 of 4 C files are compiled"])
        for number in range(1, 4):
            (place / f"module.m{number}.o").touch()
        _until(lambda: "put together" in told[-1])
    assert told[0] == "Python is translated to C, 0 s so far"
    assert told[-1] == "all 4 C files are compiled; the program is put together"


def _until(holds: Callable[[], bool]) -> None:
    patience = time.monotonic() + 5
    while not holds() and time.monotonic() < patience:
        time.sleep(0.01)
    assert holds()
