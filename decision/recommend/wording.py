"""The answer in words, with the one table behind it."""

from __future__ import annotations

from decision.recommend.choice import (
    OWN,
    Answer,
    Standing,
)
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, percent, table
from spike.packagers import VARIANTS


def price(variant: str) -> str:
    """What a variant costs or cannot do, as its packager says it; empty for nothing."""
    return VARIANTS[variant].mode.price if variant in VARIANTS else ""


def render(found: Answer) -> str:
    """The answer, its reasons and its price, and the one table behind it, as Markdown."""
    if not found.standings:
        return ""
    parts = [f"**{found.sentence}**", " ".join(found.reasons)]
    if found.reconciled:
        parts.append(found.reconciled)
    if text := price(found.variant):
        parts.append(f"Its price: {text}")
    parts.append(
        table(
            [
                *("", "variant", "READY, median", "with its launcher", "/ python -I -S"),
                *("ships", "as a .deb", "launches failed", "fault cases failed, degraded"),
                *("lines", "processes", "signals that arrive", "left after SIGKILL", "why not"),
            ],
            [_row(n, item, found) for n, item in enumerate(found.standings, start=1)],
        )
    )
    if found.unknown:
        parts.append(
            "Not measured, and so without a say:\n\n"
            + "\n".join(f"- {text}" for text in found.unknown)
        )
    return "\n\n".join(parts)


def bound(item: Standing) -> str:
    """``0 of 20 (at most 16.8 %)``: failed launches with their exact 95 % bound."""
    most = "" if item.rate_high is None else f" (at most {percent(item.rate_high)})"
    return f"{item.failed} of {item.launches}{most}"


def faults_text(item: Standing) -> str:
    """``8 of 123 (the tool's own)``: fault cases failed, of those run, and whose evidence it is."""
    if item.faults is None:
        return "not run"
    whose = "" if item.faults.whose == OWN else f" ({item.faults.whose})"
    return f"{item.faults.text}{whose}"


def _row(place: int, item: Standing, found: Answer) -> list[str]:
    left = item.leftovers
    whose = "" if left is None or left.whose == OWN else f" ({left.whose})"
    launcher = ""
    if item.folder:
        launcher = "not measured"
        if item.launcher_ms is not None:
            launcher = f"{milliseconds(item.start_ms)} ({item.launcher_whose})"
    return [
        str(place),
        item.variant,
        milliseconds(item.ready_ms),
        launcher or milliseconds(item.ready_ms),
        NOT_MEASURED if item.versus_python is None else f"{item.versus_python:.2f}",
        megabytes(item.shipped_bytes),
        megabytes(item.package_bytes),
        bound(item),
        "not run"
        if item.faults is None
        else f"{faults_text(item)}; {item.faults.degraded} of {item.faults.run} degraded",
        NOT_MEASURED if item.config_lines is None else str(item.config_lines),
        NOT_MEASURED if left is None else f"{left.processes}{whose}",
        NOT_MEASURED if left is None else f"{left.signals}{whose}",
        NOT_MEASURED
        if left is None
        else f"{left.left_processes} processes, {left.left_files} files{whose}",
        found.why_not.get(item.variant, "ships" if item.variant == found.variant else ""),
    ]
