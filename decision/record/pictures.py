"""Pictures of the measurements, as SVG files beside the reports.

Drawn by matplotlib on a transparent ground, in one grey that reads on white and on black alike and
in colours of the same lightness, so that one file serves light and dark pages. The same results
give the same bytes: no date, no path and no random name is in them. A comment names the results
that a picture was drawn from, so a stale one is found without drawing it again.
"""

from __future__ import annotations

import collections
import hashlib
import io
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import phases, reliability, size
from decision.evidence import Evidence, usable
from spike.core import jsonfile, statistics
from spike.core.generated import checksum
from spike.core.tables import milliseconds
from spike.core.workspace import display_path
from spike.measure.results import Result
from spike.packagers import PACKAGERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#737b84"
"""Contrast of about 4.3 to 1 on white and on GitHub's dark ground (WCAG 2, relative luminance)."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA3377", "#997700")
"""The packagers' colours, in the order of their list: Okabe and Ito's palette first, which
colour-blind people tell apart, then Paul Tol's; each has 3 to 1 on both grounds."""

OTHER_COLOUR = "#CC79A7"
"""Of a packager that is no longer there."""

PART_COLOURS: Mapping[str, str] = {
    "launcher (unpacks, hands over)": "#8F6FD6",
    "interpreter start": "#C08A00",
    "program import": "#2F9E9E",
    "not divided": INK,
}
"""Other colours than the packagers', so that a part is not taken for one of them."""

FONT = "DejaVu Sans"
"""It comes with matplotlib; a page's own sans-serif stands in for it."""

_SOURCE = re.compile(r"\n<!-- drawn from: ([0-9a-f]+) \| sha256: ([0-9a-f]+) -->")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One kind of picture.

    Attributes:
        name: File name without its ending.
        alt: What it shows, for who cannot see it.
        benchmarks: The results that it is drawn from; it is drawn when all are there.
        draw: Draws it.
    """

    name: str
    alt: str
    benchmarks: tuple[str, ...]
    draw: Callable[[Mapping[str, Result]], Figure]


def colour(target: str) -> str:
    """One colour a packager; baselines are grey."""
    if target.startswith("baseline-"):
        return INK
    packager = target.partition("-")[0]
    if packager not in PACKAGERS:
        return OTHER_COLOUR
    return PALETTE[list(PACKAGERS).index(packager) % len(PALETTE)]


def ready_by_target(result: Result) -> dict[str, list[float]]:
    """Launch to READY of every launch that came to it, in milliseconds, slowest target first."""
    found = {
        name: [float(item["ready_ms"]) for item in result.of(name) if item["ready_ms"] is not None]
        for name in result.targets
    }
    return dict(
        sorted(
            ((name, values) for name, values in found.items() if values),
            key=lambda item: -(statistics.median(item[1]) or 0),
        )
    )


def draw_distributions(found: Mapping[str, Result]) -> Figure:
    """Every launch as a dot, the median as a bar, on a logarithmic axis."""
    values = ready_by_target(found[reliability.NAME])
    figure, axes = _figure(height=0.9 + 0.46 * len(values))
    for row, (name, times) in enumerate(values.items()):
        marked = set(statistics.outliers(times))
        heights = [row + offset for offset in swarm(times)]
        shade = colour(name)
        plain = [n for n in range(len(times)) if n not in marked]
        dots = _dots([times[n] for n in plain], [heights[n] for n in plain])
        axes.plot(*dots, linewidth=4, alpha=0.75, **_dot(name))
        axes.plot(
            [times[n] for n in sorted(marked)],
            [heights[n] for n in sorted(marked)],
            "o",
            markerfacecolor="none",
            markeredgecolor=shade,
            markersize=5,
        )
        middle = statistics.median(times) or 0.0
        axes.plot([middle, middle], [row - 0.38, row + 0.38], "-", color=shade, linewidth=2)
        axes.annotate(
            milliseconds(middle),
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            color=INK,
            fontsize=9,
        )
    axes.set_xscale("log")
    _name_rows(axes, list(values))
    _decades(axes, "x")
    axes.set_xlabel("launch to READY, ms, logarithmic; bar: median; ring: outlier, kept")
    return figure


def _dots(across: Sequence[float], up: Sequence[float]) -> tuple[list[float], list[float]]:
    """Points as one line of no length each, with round ends: as markers they fill half a file."""

    def ends(values: Sequence[float]) -> list[float]:
        return [place for value in values for place in (value, value, float("nan"))]

    return ends(across), ends(up)


def _dot(name: str) -> dict[str, Any]:
    return {"color": colour(name), "solid_capstyle": "round"}


def swarm(values: Sequence[float]) -> list[float]:
    """Offsets between -0.3 and 0.3 that keep dots of like values apart, the same every time."""
    order = sorted(range(len(values)), key=lambda n: values[n])
    offsets = [0.0] * len(values)
    for place, n in enumerate(order):
        # A fixed zigzag over five lanes: neighbours in value never share one.
        offsets[n] = ((place * 2) % 5 - 2) * 0.15
    return offsets


def draw_parts(found: Mapping[str, Result]) -> Figure:
    """Stacked bars: where the time of a launch goes."""
    rows = phases.summarise(found[phases.NAME])
    rows.sort(key=lambda row: -sum(_parts(row)))
    figure, axes = _figure(height=1.25 + 0.42 * len(rows))
    for number, row in enumerate(rows):
        left = 0.0
        for width, shade in zip(_parts(row), PART_COLOURS.values(), strict=True):
            axes.barh(number, width, left=left, height=0.62, color=shade, linewidth=0)
            left += width
        axes.annotate(
            milliseconds(left),
            (left, number),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=9,
        )
    longest = max(sum(_parts(row)) for row in rows)
    axes.set_xlim(0, longest * 1.12)
    _name_rows(axes, [row.target for row in rows], plain=True)
    axes.set_xlabel("ms from the first execve to READY, medians of launches under strace")
    used = [
        (title, shade)
        for n, (title, shade) in enumerate(PART_COLOURS.items())
        if any(_parts(row)[n] > 0 for row in rows)
    ]
    handles = [axes.barh([0], [0], color=shade, label=title) for title, shade in used]
    axes.legend(
        handles=handles,
        loc="upper right",
        frameon=False,
        labelcolor=INK,
        fontsize=9,
    )
    axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    return figure


def _parts(row: phases.Parts) -> tuple[float, float, float, float]:
    return (
        row.launcher_ms or 0.0,
        row.interpreter_ms or 0.0,
        row.program_ms or 0.0,
        row.unsplit_ms or 0.0,
    )


def draw_trade_off(found: Mapping[str, Result]) -> Figure:
    """Size against start: a point a variant, the middle half of its launches as a line."""
    times = ready_by_target(found[reliability.NAME])
    shipped = {
        sample["target"]: float(sample["shipped_bytes"]) / 1e6
        for sample in found[size.NAME].samples
    }
    points = {
        name: (shipped[name], statistics.distribution(values))
        for name, values in times.items()
        if name in shipped and found[reliability.NAME].targets[name]["kind"] == "variant"
    }
    figure, axes = _figure(height=4.2)
    for name, (megabytes, figures) in points.items():
        assert figures is not None
        axes.plot(
            [megabytes, megabytes],
            [figures.first_quartile, figures.third_quartile],
            "-",
            color=colour(name),
            linewidth=2,
            alpha=0.6,
        )
        axes.plot(*_dots([megabytes], [figures.median]), linewidth=8, **_dot(name))
    sizes = [megabytes for megabytes, _ in points.values()]
    medians = [figures.median for _, figures in points.values() if figures is not None]
    middle = _middle(sizes)
    for name, dodge in dodged(
        {name: (x, f.median) for name, (x, f) in points.items() if f}
    ).items():
        megabytes, figures = points[name]
        assert figures is not None
        right = megabytes <= middle
        axes.annotate(
            name,
            (megabytes, figures.median),
            xytext=(9 if right else -9, dodge),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            color=colour(name),
            fontsize=9.5,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(sizes) / 1.4, max(sizes) * 1.4)
    axes.set_ylim(min(medians) / 1.6, max(medians) * 1.6)
    _decades(axes, "x")
    _decades(axes, "y")
    axes.set_xlabel("what ships, MB, logarithmic")
    axes.set_ylabel("launch to READY, ms, logarithmic")
    axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    axes.annotate(
        "smaller and faster",
        (0.015, 0.02),
        xycoords="axes fraction",
        color=INK,
        fontsize=9,
        style="italic",
    )
    return figure


def _middle(values: Sequence[float]) -> float:
    """Where the left half of a logarithmic axis ends; labels point towards it from both sides."""
    return float((max(values) * min(values)) ** 0.5)


def dodged(points: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Vertical shifts, in points, that keep the labels of neighbouring points apart.

    Args:
        points: Both coordinates of each, drawn on logarithmic axes.
    """
    from math import log

    if len(points) < 2:
        return dict.fromkeys(points, 0.0)
    across = [log(x) for x, _ in points.values()]
    up = [log(y) for _, y in points.values()]
    width = (max(across) - min(across)) or 1.0
    middle = log(_middle([x for x, _ in points.values()]))
    height = (max(up) - min(up)) or 1.0
    shifts: dict[str, float] = {}
    placed: list[tuple[float, float]] = []
    for name, (x, y) in sorted(points.items(), key=lambda item: item[1][1]):
        place = log(y) / height * _LABEL_ROWS
        # A label is about a quarter of the picture wide and one row high, and points to the middle.
        centre = log(x) + (width / 8 if log(x) <= middle else -width / 8)
        rows = [other for other_centre, other in placed if abs(centre - other_centre) < width / 4]
        # The nearest free place, above or below.
        steps = (sign * step / 4 for step in itertools.count() for sign in (1, -1))
        shift = next(step for step in steps if all(abs(place + step - row) >= 1.0 for row in rows))
        placed.append((centre, place + shift))
        shifts[name] = shift * _ROW_POINTS
    return shifts


_LABEL_ROWS = 14
"""Rows of text between the lowest and the highest point of the trade-off picture."""
_ROW_POINTS = 12.0


PICTURES: tuple[Picture, ...] = (
    Picture(
        name="launch-to-ready",
        alt="Launch to READY of every launch of every variant, on a logarithmic axis",
        benchmarks=(reliability.NAME,),
        draw=draw_distributions,
    ),
    Picture(
        name="where-the-time-goes",
        alt="Each variant's launch divided into launcher, interpreter start and program import",
        benchmarks=(phases.NAME,),
        draw=draw_parts,
    ),
    Picture(
        name="size-and-start",
        alt="What ships of each variant against its launch to READY",
        benchmarks=(reliability.NAME, size.NAME),
        draw=draw_trade_off,
    ),
)


def available(evidence: Evidence) -> list[tuple[Picture, dict[str, Result]]]:
    """The pictures whose results are there and belong to today's binaries."""
    found = []
    # A platform beside the record's own has its tables; pictures of it would be as large as these.
    for picture in () if evidence.beside else PICTURES:
        sources = {name: usable(evidence, name) for name in picture.benchmarks}
        there = {name: result for name, result in sources.items() if result is not None}
        if len(there) == len(picture.benchmarks) and all(map(shows_a_variant, there.values())):
            found.append((picture, there))
    return found


def shows_a_variant(result: Result) -> bool:
    """Whether a result has a figure of a variant: one in which every launch failed has none."""
    return any(
        sample.get(field) is not None
        for sample in result.samples
        if result.targets[sample["target"]]["kind"] == "variant"
        for field in ("ready_ms", "shipped_bytes", "launcher_ms")
    )


def path_of(picture: Picture, evidence: Evidence) -> Path:
    """Where a picture lies."""
    return evidence.sidecar.workspace.reports / f"{picture.name}.svg"


def write(evidence: Evidence) -> list[Path]:
    """Draw the pictures whose results have changed.

    Returns:
        The files that were written.

    Raises:
        StorageError: One cannot be written.
    """
    written = []
    for picture, sources in available(evidence):
        path = path_of(picture, evidence)
        source = digest(picture, sources)
        if drawn_from(path) != source:
            jsonfile.write_text(path, svg(picture.draw(sources), source, picture.alt))
            written.append(path)
    return written


def stale(evidence: Evidence) -> list[str]:
    """Say which pictures are missing, drawn from other results, or were changed by hand."""
    complaints = []
    for picture, sources in available(evidence):
        path = path_of(picture, evidence)
        if not path.exists():
            complaints.append(f"{display_path(path)}: the picture is missing")
        elif drawn_from(path) != digest(picture, sources):
            complaints.append(f"{display_path(path)}: the picture is stale or was edited by hand")
    return complaints


def digest(picture: Picture, sources: Mapping[str, Result]) -> str:
    """Checksum of what a picture is drawn from: the samples, and this module's own text."""
    content: dict[str, Any] = {
        name: {"targets": list(result.targets), "samples": list(result.samples)}
        for name, result in sources.items()
    }
    text = json.dumps([picture.name, content], sort_keys=True) + Path(__file__).read_text("utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def drawn_from(path: Path) -> str:
    """The checksum of a picture's sources; empty when the rest of it is not what was drawn."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return ""
    found = _SOURCE.search(text)
    if found is None or checksum(text.replace(found[0], "", 1)) != found[2]:
        return ""
    return found[1]


def svg(figure: Figure, source: str, alt: str) -> str:
    """A figure as SVG text, the same for the same figure."""
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context(
        {
            "svg.hashsalt": "spike",
            "svg.fonttype": "none",
            "font.sans-serif": [FONT],
            "path.simplify": False,
        }
    ):
        figure.savefig(
            stream,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.08,
            metadata={"Date": None, "Creator": None, "Title": alt},
        )
    # A third to keep: no indentation, no groups that group nothing, coordinates to a tenth of a
    # point, the end of a dot not told again, and a style that many shapes have in one place.
    text = re.sub(r"\n +", "\n", stream.getvalue())
    text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
    text = re.sub(r'(?<= [dxy]=")[^"]*', lambda places: _tenths(places[0]), text)
    text = re.sub(r"<metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)
    # Nothing is drawn beyond its axes.
    text = re.sub(r' clip-path="[^"]*"|<clipPath.*?</clipPath>\n', "", text, flags=re.DOTALL)
    text = re.sub(r' transform="rotate\(-0 [^"]*"|(?<=<g) id="[^"]*"', "", text)
    plain, found = re.compile(r"<g/>\n|<g>\n((?:(?!</?g\b)[^\0])*)</g>\n"), 1
    while found:
        text, found = plain.subn(lambda group: group[1] or "", text)
    styles = collections.Counter(re.findall(r' style="([^"]+)"', text))
    rules = ""
    for number, style in enumerate(style for style, count in styles.items() if count > 1):
        text = text.replace(f' style="{style}"', f' class="s{number}"')
        rules += f"\n.s{number}{{{style}}}"
    text = text.replace("</style>", f"{rules}\n</style>", 1)
    comment = f"\n<!-- drawn from: {source} | sha256: {checksum(text)} -->"
    return re.sub(r"(<svg [^>]*>)", lambda found: found[1] + comment, text, count=1)


def _tenths(places: str) -> str:
    text = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.1f}", places)
    text = re.sub(r"\s+(?=[MLCz]|$)|(?<=[MLC])\s+", "", text)
    return re.sub(r"M(\S+ [\d.-]+)L\1(?=M|$)", r"M\1h0", text)


def _figure(*, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, height), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(INK)
    axes.tick_params(colors=INK, which="both", labelsize=9)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
        label.set_fontsize(9.5)
    axes.set_axisbelow(True)
    return figure, axes


def _name_rows(axes: Axes, names: Sequence[str], *, plain: bool = False) -> None:
    axes.set_yticks(range(len(names)), labels=list(names))
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(INK if plain else colour(name))
        label.set_fontsize(9.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(names) - 0.4)


def _decades(axes: Axes, which: str) -> None:
    """Ticks at 1, 2 and 5 of each decade, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axes.grid(axis="x" if which == "x" else "y", color=INK, alpha=0.25, linewidth=0.6)
