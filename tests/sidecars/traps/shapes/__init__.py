"""A package that keeps its data file beside itself, as many libraries do."""

from pathlib import Path


def load(name: str) -> str:
    """Read a file of this package."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
