"""A start's profile as tables, as a comparison, and as a picture."""

from __future__ import annotations

import io
import statistics
from collections.abc import Sequence
from pathlib import Path

from spike.core.tables import megabytes, milliseconds, table
from spike.profile.imports import Node
from spike.profile.startup import OWN, STANDARD, Module, Profile

MOST_ROWS = 20
LEAST_CHANGE_US = 500.0
"""A distribution whose imports changed by less is not told when the modules are the same."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA3377", "#997700", "#8F6FD6", "#2F9E9E")
_GREY = "#737b84"
_LEAST_SHARE = 0.004
"""Narrower modules are not drawn: less than two pixels of the picture."""


def summary(profile: Profile) -> str:
    """One sentence with the figures that matter most."""
    imports_us = sum(module.self_us for module in profile.modules)
    slowest = next((name for name in profile.by_distribution if name not in (STANDARD, OWN)), "")
    share = f", {slowest} the most of it" if slowest else ""
    return (
        f"{profile.sidecar} is READY after {milliseconds(_median(profile.ready_ms))} with Python "
        f"{profile.python}, median of {len(profile.ready_ms)} launches; importing "
        f"{len(profile.modules)} modules takes {milliseconds(imports_us / 1000)}{share}."
    )


def tables(profile: Profile) -> str:
    """Everything that was found, for the terminal."""
    return "\n\n".join(
        [
            summary(profile),
            table(
                ["where from", "modules", "code", "own time"],
                [
                    [name, str(number), megabytes(size), milliseconds(time_us / 1000)]
                    for name, (number, size, time_us) in list(profile.by_distribution.items())[
                        :MOST_ROWS
                    ]
                ],
                numeric=1,
            ),
            table(
                ["module", "own time", "with its imports", "imported at"],
                [
                    [
                        module.name,
                        milliseconds(module.self_us / 1000),
                        milliseconds(module.total_us / 1000),
                        module.by or "-",
                    ]
                    for module in _slowest(profile.modules)
                ],
                numeric=1,
            ),
            table(["until READY", "how often", "takes"], _counts(profile), numeric=1),
        ]
    )


def _slowest(modules: Sequence[Module]) -> list[Module]:
    return sorted(modules, key=lambda module: -module.self_us)[:MOST_ROWS]


def _counts(profile: Profile) -> list[list[str]]:
    noted, plain = _median(profile.noted_ms), _median(profile.ready_ms)
    return [
        [
            "code made from text (exec, dataclasses, namedtuple)",
            str(profile.texts.number),
            f"{profile.texts.size} characters",
        ],
        [
            "regular expressions compiled",
            str(profile.patterns.number),
            milliseconds(profile.patterns.total_us / 1000),
        ],
        [
            "garbage collections",
            str(profile.collections.number),
            milliseconds(profile.collections.total_us / 1000),
        ],
        ["page faults without reading", str(profile.minor_faults), "-"],
        ["page faults with reading", str(profile.major_faults), "-"],
        ["what these notes cost", "-", milliseconds(max(0.0, noted - plain))],
    ]


def changes(old: Profile, new: Profile) -> str:
    """What came in and went out between two profiles, and which distributions got slower."""
    before = {module.name: module for module in old.modules}
    after = {module.name: module for module in new.modules}
    came = [module for name, module in after.items() if name not in before]
    went = [module for name, module in before.items() if name not in after]
    # What came with something that came is told by that.
    tops = [module for module in came if module.importer in before or not module.importer]
    rows = [
        [f"+ {module.name}", milliseconds(module.total_us / 1000), module.by or "-"]
        for module in sorted(tops, key=lambda module: -module.total_us)
    ]
    gone = [module for module in went if module.importer in after or not module.importer]
    rows += [
        [f"- {module.name}", milliseconds(module.total_us / 1000), module.by or "-"]
        for module in sorted(gone, key=lambda module: -module.total_us)
    ]
    told = [
        f"READY: {milliseconds(_median(old.ready_ms))} before, "
        f"{milliseconds(_median(new.ready_ms))} now; {len(came)} modules came in, "
        f"{len(went)} went out."
    ]
    if rows:
        headers = ["module", "with its imports", "imported at"]
        told.append(table(headers, rows[: 2 * MOST_ROWS], numeric=1))
    first, second = old.by_distribution, new.by_distribution
    shifts = [
        [
            name,
            milliseconds(first.get(name, (0, 0, 0.0))[2] / 1000),
            milliseconds(second.get(name, (0, 0, 0.0))[2] / 1000),
        ]
        for name in dict.fromkeys([*second, *first])
        if abs(second.get(name, (0, 0, 0.0))[2] - first.get(name, (0, 0, 0.0))[2]) > LEAST_CHANGE_US
    ]
    if shifts:
        told.append(table(["where from", "own time before", "now"], shifts, numeric=1))
    return "\n\n".join(told)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def icicle(profile: Profile) -> str:
    """The tree of imports as an SVG picture: as wide as it takes, one row for each depth.

    Transparent, in colours and a grey that read on light and on dark ground.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    whole = sum(root.total_us for root in profile.roots) or 1.0
    origin = {module.name: module.distribution for module in profile.modules}
    names = [name for name in profile.by_distribution if name != STANDARD]
    shades = dict(zip(names, _COLOURS, strict=False))
    boxes: list[tuple[float, int, float, Node]] = []

    def place(node: Node, left: float, depth: int) -> None:
        if node.total_us / whole < _LEAST_SHARE:
            return
        boxes.append((left, depth, node.total_us, node))
        for child in node.children:
            place(child, left, depth + 1)
            left += child.total_us

    left = 0.0
    for root in profile.roots:
        place(root, left, 0)
        left += root.total_us
    rows = max((depth for _, depth, _, _ in boxes), default=0) + 1
    figure = Figure(figsize=(11, 0.9 + 0.24 * rows), layout="constrained")
    axes = figure.add_subplot()
    for begin, depth, width, node in boxes:
        shade = shades.get(origin.get(node.name, ""), _GREY)
        axes.barh(
            depth,
            width / 1000,
            left=begin / 1000,
            height=0.92,
            color=shade,
            alpha=0.35,
            edgecolor=shade,
            linewidth=0.5,
        )
        letters = int(width / whole * 150)
        if letters >= 4:
            axes.text(
                (begin + width / 2) / 1000,
                depth,
                node.name if len(node.name) <= letters else node.name[: letters - 1] + "…",
                ha="center",
                va="center",
                fontsize=6.5,
                color=_GREY,
            )
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_xlabel("milliseconds of importing", color=_GREY, fontsize=9)
    axes.tick_params(colors=_GREY, labelsize=8)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_GREY)
    if shades:
        patches = [Patch(color=shade, label=name) for name, shade in shades.items()]
        axes.legend(handles=patches, loc="lower right", fontsize=7, frameon=False, labelcolor=_GREY)
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "spike", "svg.fonttype": "path"}):
        figure.savefig(
            stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    return stream.getvalue()


def write_picture(profile: Profile, place: Path) -> None:
    """Write the picture beside a profile."""
    place.write_text(icicle(profile), encoding="utf-8")
