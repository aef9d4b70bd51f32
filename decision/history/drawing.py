"""READY over the runs that were kept, as a picture: one line a variant, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from decision.history.runs import Run
from decision.record import pictures
from spike.core.generated import checksum

_MARKERS: Final = "osD^vP*Xph"
"""Variants of one packager have its colour, and are told apart by these."""


def svg(runs: Sequence[Run], variant: str) -> str:
    """The picture as SVG text; the same runs give the same text.

    Args:
        runs: The oldest first.
        variant: Whose line is the thick one.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(8.2, 4.4), layout="constrained")
    axes = figure.add_subplot()
    lines = {
        name: [
            (number, found.ready)
            for number, run in enumerate(runs)
            if (found := run.figures.get(name)) is not None and found.ready is not None
        ]
        for name in sorted({name for run in runs for name in run.figures})
    }
    shown = {name: points for name, points in lines.items() if points}
    slowest_first = sorted(shown, key=lambda name: -shown[name][-1][1].estimate)
    for place, name in enumerate(slowest_first):
        points = shown[name]
        chosen = name == variant
        places = [number for number, _ in points]
        axes.plot(
            places,
            [ready.estimate for _, ready in points],
            marker=_MARKERS[place % len(_MARKERS)],
            color=pictures.colour(name),
            linewidth=2.4 if chosen else 0.9,
            alpha=1.0 if chosen else 0.6,
            markersize=5,
            label=name,
        )
        axes.vlines(
            places,
            [ready.low for _, ready in points],
            [ready.high for _, ready in points],
            color=pictures.colour(name),
            alpha=0.4,
        )
    axes.axhline(1.0, color=pictures.INK, linewidth=0.6)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(runs)), labels=[run.what for run in runs], rotation=30, ha="right")
    axes.tick_params(colors=pictures.INK, which="both", labelsize=8)
    axes.set_ylabel("READY / python -I -S, logarithmic", color=pictures.INK, fontsize=9)
    for name, side in axes.spines.items():
        side.set_color(pictures.INK)
        side.set_visible(name in ("left", "bottom"))
    if shown:
        axes.legend(
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=8,
            labelcolor=pictures.INK,
        )
    source = checksum("\n".join(f"{run.commit} {run.at} {run.figures}" for run in runs))
    return pictures.svg(figure, source, f"READY by plain Python's, over {len(runs)} runs")
