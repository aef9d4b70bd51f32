"""Results of an emulated Windows: what was seen there is kept, and no figure of the machine is.

Wine runs programs of Windows on another system. What a program does there can be told; how long it
takes, how large it is in memory or what the page cache holds says nothing about Windows, so no
result has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spike.core import windows
from spike.core.errors import UnsuitableError
from spike.core.tables import NOT_MEASURED

UNDER_WINE = "under Wine: not measured"
"""What stands in a report in place of each time, size and memory."""

_FIGURES = ("_ms", "_bytes", "gone_s")
"""Ends of the names of what is measured with a clock or counted in bytes."""


def refuse(what: str) -> None:
    """Refuse to measure what an emulated system cannot say.

    Args:
        what: Its name.

    Raises:
        UnsuitableError: This is an emulated system.
    """
    if emulator := windows.emulator():
        raise UnsuitableError(
            f"{what}: {UNDER_WINE}.",
            why=f"This is {emulator}: its times, sizes and memory are not those of Windows.",
            try_next="the same command on Windows",
        )


def without_figures(value: Any) -> Any:
    """A sample without its times and sizes, at any depth: they are there, and None."""
    if isinstance(value, Mapping):
        return {
            name: None if str(name).endswith(_FIGURES) else without_figures(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_figures(inner) for inner in value]
    return value


def told(text: str, provenance: Mapping[str, Any]) -> str:
    """A table or a sentence that says of each missing figure why it is missing.

    Args:
        text: As it was rendered.
        provenance: Of the result; unchanged unless it is of an emulated system.
    """
    if not provenance.get("emulated"):
        return text
    cell = re.compile(rf"(?<=\|) *(?:{re.escape(NOT_MEASURED)}|not measured) *(?=\|)")
    prose = re.compile(r"(?<!: )\bnot measured\b(?! under Wine)")
    return prose.sub("not measured under Wine", cell.sub(f" {UNDER_WINE} ", text))
