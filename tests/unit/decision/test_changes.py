"""What changed from run to run, and which commit is over the budget: figures made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from decision.history import changes
from decision.history.runs import Figures, Run
from spike.core.statistics import Interval


def figures(
    ready: float | None = 0.70, failed: int = 0, size_mb: float | None = 7.4, spread: float = 0.02
) -> Figures:
    return Figures(
        ready=None
        if ready is None
        else Interval(estimate=ready, low=ready - spread, high=ready + spread),
        launches=20,
        failed=failed,
        rate=Interval(
            estimate=failed / 20, low=max(0.0, failed / 20 - 0.1), high=failed / 20 + 0.17
        ),
        size_bytes=None if size_mb is None else round(size_mb * 1e6),
    )


def run(code: str, **known: Figures) -> Run:
    return Run(
        commit=f"results-{code}", at=f"2026-01-01T00:00:0{code[-1]}", code=code, figures=known
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (figures(), figures(), ""),
        (figures(ready=0.70), figures(ready=0.73), ""),  # the intervals meet
        (figures(ready=0.70), figures(ready=0.75), "READY by python -I -S 0.70 → 0.75, worse"),
        (figures(ready=0.75), figures(ready=0.70), "READY by python -I -S 0.75 → 0.70, better"),
        (figures(ready=None), figures(ready=0.70), ""),
        (figures(size_mb=10.0), figures(size_mb=10.09), ""),
        (figures(size_mb=10.0), figures(size_mb=10.2), "what ships 10.0 MB → 10.2 MB, worse"),
        (figures(size_mb=None), figures(size_mb=10.2), ""),
        (figures(failed=0), figures(failed=1), ""),  # one of twenty is noise
        (figures(failed=0), figures(failed=9), "failed launches 0 of 20 → 9 of 20, worse"),
    ],
)
def test_what_changed_by_more_than_the_noise(old: Figures, new: Figures, said: str) -> None:
    """Intervals that meet say nothing, and a phrase has the figure before and after."""
    found = changes.between(run("a1", x=old), run("a2", x=new))
    assert found == ([f"x: {said}"] if said else [])


def test_variants_come_and_go() -> None:
    """A variant without a figure before has not changed: it is new."""
    found = changes.between(
        run("a1", x=figures(), y=figures()), run("a2", y=figures(), z=figures())
    )
    assert found == ["z is new", "x is gone"]


LINE = (
    run("c1", x=figures(ready=0.70, size_mb=7.0)),
    run("c2", x=figures(ready=0.90, size_mb=7.0)),
    run("c3", x=figures(ready=0.70, size_mb=9.0)),
    run("c4", x=figures(ready=0.95, size_mb=9.0)),
    run("c5", x=figures(ready=0.96, size_mb=9.0, failed=2)),
)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({}, []),
        ({"ready_ms_ratio": 1.0, "size_mb": 9.0, "failures": 2}, []),
        (
            {"ready_ms_ratio": 0.80},
            [
                "READY by python -I -S is 0.96, and the budget ready_ms_ratio is 0.8; brought "
                "between c3 and c4."
            ],
        ),
        ({"ready_ms_ratio": 0.95}, []),  # the interval reaches below it: noise fails no build
        (
            {"size_mb": 8},
            ["what ships is 9.0 MB, and the budget size_mb is 8; brought between c2 and"],
        ),
        ({"size_mb": 5}, ["since c1, the first run that is known"]),
        (
            {"failures": 1},
            ["failed launches is 2 of 20, and the budget failures is 1; brought betw"],
        ),
        ({"size_mb": 8, "failures": 0}, ["size_mb", "failures"]),
    ],
)
def test_a_budget_names_the_figure_and_who_brought_it(
    budget: Mapping[str, float], said: list[str]
) -> None:
    """The first of the runs that are over without a break; an earlier one was put right."""
    found = changes.exceeded(LINE, "x", budget)
    assert len(found) == len(said)
    for item, text in zip(found, said, strict=True):
        assert text in item.sentence
        assert item.sentence.startswith("x: ")


def test_a_variant_that_was_not_measured_is_over_nothing() -> None:
    """Nor is a line without runs."""
    assert changes.exceeded(LINE, "nobody", {"size_mb": 1}) == []
    assert changes.exceeded((), "x", {"size_mb": 1}) == []


def test_a_line_a_run() -> None:
    """The oldest first, each with what changed since the one before."""
    text = changes.render(LINE, "x").splitlines()
    assert len(text) == 2 + len(LINE)
    assert "the first" in text[2]
    assert "0.70 → 0.90, worse" in text[3]
    assert "7.0 MB → 9.0 MB, worse" in text[4]
    assert text[6].split("|")[-2].strip() == ""
