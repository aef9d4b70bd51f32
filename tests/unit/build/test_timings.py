"""What a machine knows of its compilations, and what it makes of it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from spike.build import timings
from spike.build.timings import Compilation
from spike.packagers.recipe import Workload

HERE = os.cpu_count() or 1


def built(kilobytes: int, seconds: float, **changes: object) -> Compilation:
    """A build that compiled so much source in so many seconds."""
    known = Compilation(
        sidecar="other",
        variant="nuitka-standalone",
        modules=kilobytes // 10,
        source_bytes=kilobytes * 1000,
        processors=HERE,
        elapsed_s=seconds,
        fresh=True,
        built_at="2026-01-01T00:00:00+00:00",
    )
    return replace(known, **changes)  # type: ignore[arg-type]


ELSEWHERE = (built(100, 50.0, processors=2), built(2100, 450.0, processors=2))
"""30 seconds, and 0.2 for each kB more."""


def expected(
    kilobytes: int, own: tuple[Compilation, ...], *, processors: int = 2, variant: str = ""
) -> tuple[float, str]:
    """The estimate for a sidecar ``mine`` of so much source."""
    found = timings.estimate(
        Workload(modules=kilobytes // 10, source_bytes=kilobytes * 1000),
        sidecar="mine",
        variant=variant or "nuitka-standalone",
        own=own,
        others=ELSEWHERE,
        processors=processors,
    )
    assert found is not None
    return found.seconds, found.basis


def test_without_builds_here_those_elsewhere_stand_in() -> None:
    """More processors compile more at a time."""
    seconds, basis = expected(1100, ())
    assert seconds == pytest.approx(250.0)
    assert basis == "by builds elsewhere, on 2 processors"
    assert expected(1100, (), processors=4)[0] == pytest.approx(140.0)


def test_the_first_build_here_tells_how_quick_this_machine_is() -> None:
    """It took twice as long as elsewhere, and so will others."""
    own = (built(100, 100.0),)
    seconds, basis = expected(1100, own)
    assert seconds == pytest.approx(500.0)
    assert basis == "by 1 build on this machine"


def test_builds_of_different_sizes_tell_what_source_costs_here() -> None:
    """10 seconds, and 1 for each kB more; what came from a cache says nothing of it."""
    own = (built(100, 110.0), built(300, 310.0), built(1000, 5.0, fresh=False))
    seconds, basis = expected(500, own)
    assert seconds == pytest.approx(510.0)
    assert basis == "by 2 builds on this machine"


def test_small_builds_do_not_tell_what_much_source_costs() -> None:
    """The first one waited for a cold disk, the second did not: source would cost nothing."""
    own = (built(6, 68.0), built(26, 35.2))  # half as quick as elsewhere, and as quick
    seconds, basis = expected(2100, own)
    assert seconds == pytest.approx(450.0, rel=0.01)
    assert basis == "by 2 builds on this machine"


def test_builds_of_another_kind_count_when_there_are_none_of_this() -> None:
    """One file is packed besides; a folder's builds are better than none."""
    own = (built(100, 100.0), built(1000, 999.0, variant="nuitka-onefile"))
    assert expected(100, own)[0] == pytest.approx(100.0)
    assert expected(100, own, variant="nuitka-onefile")[0] == pytest.approx(999 / 230 * 50)
    assert expected(100, own, variant="nuitka-lean")[1] == "by 2 builds on this machine"


def test_what_was_built_before_takes_as_long_again() -> None:
    """Also from a warm cache, if it was of about as much source."""
    own = (built(1000, 33.0, sidecar="mine", fresh=False), built(100, 100.0))
    assert expected(1050, own) == (33.0, "as the last time")
    assert expected(2000, own)[1] == "by 1 build on this machine"


def test_no_estimate_falls_below_what_was_measured() -> None:
    """Quick large builds and slow small ones: more source takes no less time."""
    own = (built(100, 100.0), built(1000, 90.0))
    assert expected(1500, own)[0] == pytest.approx(95.0)
    assert expected(5000, own)[0] > 100.0
    steep = (built(1000, 10.0), built(3000, 500.0))
    assert expected(10, steep)[0] > 0


def test_the_newest_builds_count() -> None:
    """A machine that was busy once is not busy for ever."""
    busy = tuple(built(100, 900.0) for _ in range(5))
    idle = tuple(built(100, 50.0) for _ in range(timings.NEWEST))
    assert expected(100, (*busy, *idle))[0] == pytest.approx(50.0)


def test_nothing_known_is_no_estimate() -> None:
    """Better silent than invented."""
    work = Workload(modules=1, source_bytes=1)
    assert not timings.estimate(work, sidecar="mine", variant="x", own=(), others=(), processors=2)


def test_builds_are_kept_and_read(tmp_path: Path) -> None:
    """The newest ones; those that a folder brought from a machine of another kind do not count."""
    for number in range(timings.KEPT + 5):
        timings.remember(tmp_path, built(number + 1, 1.0))
    timings.remember(tmp_path, built(9, 1.0, processors=HERE + 1))
    kept = timings.load(tmp_path)
    assert len(kept) == timings.KEPT - 1
    assert kept[-1] == built(timings.KEPT + 5, 1.0)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 9, "builds": []}', '{"schema": 1, "builds": [{"modules": 1}]}']
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, text: str) -> None:
    """It holds nothing that cannot be had again."""
    place = tmp_path / timings.FILE_NAME
    place.parent.mkdir()
    place.write_text(text, encoding="utf-8")
    assert timings.load(tmp_path) == ()
    timings.remember(tmp_path, built(10, 1.0))
    assert timings.load(tmp_path) == (built(10, 1.0),)


def test_what_cannot_be_kept_stops_no_build(tmp_path: Path) -> None:
    """A file stands where the folder would be."""
    (tmp_path / ".spike").touch()
    timings.remember(tmp_path, built(10, 1.0))
    assert timings.load(tmp_path) == ()


@pytest.mark.parametrize(
    ("line", "fresh"),
    [
        ("Nuitka-Scons: Compiled 6 C files using ccache.", True),
        ("Nuitka-Scons: Cached C files (using ccache) with result 'cache miss': 6", True),
        ("Nuitka-Scons: Cached C files (using ccache) with result 'cache hit': 3", False),
        ("Nuitka-Scons: Cached C files (using ccache) with result 'cache hit (direct)': 3", False),
        ("Compiled 9 C files using clcache with 0 cache hits and 9 cache misses.", True),
        ("Compiled 9 C files using clcache with 4 cache hits and 5 cache misses.", False),
    ],
)
def test_a_compilers_cache_is_seen(line: str, fresh: bool) -> None:
    """In Nuitka's own words."""
    assert timings.is_fresh(f"Nuitka: before\n{line}\nNuitka: after\n") is fresh


def test_the_tools_own_builds_tell_minutes() -> None:
    """They were measured, all on one machine, and are of different sizes."""
    known = timings.reference()
    assert len(known) >= 4
    assert len({each.processors for each in known}) == 1
    assert all(each.fresh for each in known)
    sizes = sorted(each.source_bytes for each in known)
    assert sizes[-1] > 10 * sizes[0]
    assert json.loads(timings.REFERENCE.read_text(encoding="utf-8"))["schema"] == timings.SCHEMA
