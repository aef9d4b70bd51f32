"""Tables in GitHub's format, and numbers as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOT_MEASURED = "-"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: int = 0) -> str:
    """A GitHub table.

    Args:
        headers: Column titles.
        rows: Cells as text.
        numeric: How many columns from the left are text; the others are aligned to the right.
            0 for text alone.
    """
    from tabulate import tabulate

    cells = [[_escaped(cell) for cell in row] for row in rows]
    align = ["left" if not numeric or i < numeric else "right" for i in range(len(headers))]
    return tabulate(cells, headers, tablefmt="github", disable_numparse=True, colalign=align)


def compact(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A GitHub table without padding, for cells that hold links."""
    cells = [headers, ["---"] * len(headers), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def squeezed(text: str) -> str:
    """A document whose tables have no padding: half of a wide one would be spaces and dashes."""

    def row(found: re.Match[str]) -> str:
        if not found[0].strip("|-: "):
            return re.sub(r"-{4,}", "---", found[0])
        return re.sub(r" {2,}", " ", found[0])

    return re.sub(r"^\|.*$", row, text, flags=re.MULTILINE)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def milliseconds(value: float | None) -> str:
    """``0.53 ms``, ``12.3 ms`` or ``345 ms``: three digits are what a launch repeats to."""
    if value is None:
        return NOT_MEASURED
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} ms"


def megabytes(size_bytes: float | None) -> str:
    """Bytes in units of 10^6 bytes, as shops and download pages count."""
    if size_bytes is None:
        return NOT_MEASURED
    value = size_bytes / 1e6
    return f"{value:.2f} MB" if value < 1 else f"{value:.1f} MB"


def percent(fraction: float) -> str:
    """``0 %``, ``16.8 %``."""
    return f"{fraction * 100:.1f}".rstrip("0").rstrip(".") + " %"
