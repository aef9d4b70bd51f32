"""Pictures: the same results give the same bytes, readable on white and on black."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import phases, reliability, size
from decision.record import pictures
from spike.measure.results import Result

SUBJECTS = {
    "baseline-static-c": {"kind": "baseline", "sha256": "0"},
    "nuitka-onefile": {"kind": "variant", "sha256": "1"},
    "pyinstaller-onefile": {"kind": "variant", "sha256": "2"},
}


def result(benchmark: str, samples: list[dict[str, Any]]) -> Result:
    return Result(
        benchmark=benchmark,
        sidecar="hello",
        sidecar_version="1",
        complete=True,
        provenance={"at": "2026-01-01T00:00:00+00:00"},
        settings={},
        targets=SUBJECTS,
        samples=samples,
        elapsed_s=1.0,
        path=Path("/somewhere/else/result.json"),
    )


@pytest.fixture
def found() -> dict[str, Result]:
    """Results of every benchmark that a picture is drawn from."""
    times = {"baseline-static-c": 1.0, "nuitka-onefile": 100.0, "pyinstaller-onefile": 350.0}
    return {
        reliability.NAME: result(
            reliability.NAME,
            [
                {"target": name, "round": n, "ready_ms": value * (1 + n / 50)}
                for name, value in times.items()
                for n in range(20)
            ]
            + [{"target": "nuitka-onefile", "round": 20, "ready_ms": None}],
        ),
        size.NAME: result(
            size.NAME,
            [
                {"target": name, "shipped_bytes": 5_000_000 + 1000 * n}
                for n, name in enumerate(times)
            ],
        ),
        phases.NAME: result(
            phases.NAME,
            [
                {
                    "target": name,
                    "launcher_ms": value / 2,
                    "interpreter_ms": value / 3,
                    "program_ms": value / 6,
                    "unsplit_ms": None,
                }
                for name, value in times.items()
            ],
        ),
    }


@pytest.mark.parametrize("picture", pictures.PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_the_same_every_time(
    picture: pictures.Picture, found: dict[str, Result]
) -> None:
    """Drawing again changes no byte, so a commit shows only what has been measured anew."""
    texts = [pictures.svg(picture.draw(found), "abc123", picture.alt) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "drawn from: abc123" in texts[0]
    assert "/somewhere" not in texts[0]
    assert not re.search(r"<dc:date>", texts[0])
    assert picture.alt in texts[0]


def test_every_launch_is_a_dot(found: dict[str, Result]) -> None:
    """No sample is left out of the picture of distributions, outliers included."""
    figure = pictures.draw_distributions(found)
    (axes,) = figure.axes
    rings = sum(np.size(line.get_xdata()) for line in axes.lines if line.get_marker() == "o")
    points = sum(
        np.size(line.get_xdata()) // 3  # two ends in one place, and a gap
        for line in axes.lines
        if line.get_solid_capstyle() == "round"
    )
    assert rings + points == 60


def test_the_grey_reads_on_both_grounds() -> None:
    """Text has at least 4.2 to 1, colours at least 3 to 1, on white and on GitHub's dark ground."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for ground in ("#ffffff", "#0d1117"):
        assert contrast(pictures.INK, ground) >= 4.2
        shades = [*pictures.PALETTE, pictures.OTHER_COLOUR]
        for colour in [*shades, *pictures.PART_COLOURS.values()]:
            assert contrast(colour, ground) >= 2.95, (colour, ground)


def test_labels_that_point_at_each_other_are_moved_apart() -> None:
    """Left of the middle a label stands right of its point, and the other way round."""
    points = {"ends": (5.0, 70.0), "left": (8.2, 19.6), "right": (17.1, 20.5), "far": (39.0, 220.0)}
    shifts = pictures.dodged(points)
    assert shifts["left"] == 0
    assert shifts["right"] > 0


def test_labels_of_neighbours_are_moved_apart() -> None:
    """Two variants of nearly the same size and speed keep both names readable."""
    shifts = pictures.dodged({"a": (10.0, 50.0), "b": (10.5, 51.0), "c": (40.0, 900.0)})
    assert shifts["a"] == 0
    assert shifts["b"] >= 10
    assert shifts["c"] == 0


def test_a_run_in_which_everything_failed_has_no_picture(found: dict[str, Result]) -> None:
    """A record of failures alone is still written."""
    assert all(map(pictures.shows_a_variant, found.values()))
    failed = [
        {**sample, "ready_ms": None if sample["target"] != "baseline-static-c" else 1.0}
        for sample in found[reliability.NAME].samples
    ]
    assert not pictures.shows_a_variant(result(reliability.NAME, failed))
