"""Tables: squeezed ones are the same."""

from __future__ import annotations

from spike.core import tables


def test_a_squeezed_table_is_the_same_table() -> None:
    """Alignment stays; text around tables is not touched."""
    padded = tables.table(["a", "long title"], [["x  y", "1"]], numeric=1)
    text = f"two  spaces\n\n{padded}\n"
    assert tables.squeezed(text) == ("two  spaces\n\n| a | long title |\n|---|---|\n| x y | 1 |\n")
