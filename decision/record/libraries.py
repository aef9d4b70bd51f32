"""``docs/libraries.md``: the table of libraries and packagers, and whether it is up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import libraries
from benchmarks.libraries import LibraryResult
from decision.record import generated
from spike.core import jsonfile
from spike.core.workspace import project

BLOCK = "libraries"


def path() -> Path:
    """The page with the table of outcomes."""
    return project() / "docs" / "libraries.md"


def write(results: Sequence[LibraryResult]) -> bool:
    """Put the table into the document; whether that changed it.

    Raises:
        CorruptFileError: A marker of the document is broken.
        StorageError: It cannot be written.
    """
    text = path().read_text(encoding="utf-8")
    new = generated.rewrite(text, _blocks(results), {BLOCK: libraries.COMMAND})
    if new != text:
        jsonfile.write_text(path(), new)
    return new != text


def check(results: Sequence[LibraryResult]) -> list[str]:
    """What in the document is not what the results say; empty when all is well."""
    text = path().read_text(encoding="utf-8")
    return [
        f"{item.problem}\n{item.diff}".strip()
        for item in generated.differences(text, _blocks(results))
    ]


def _blocks(results: Sequence[LibraryResult]) -> Mapping[str, str]:
    return {BLOCK: libraries.render(results) + "\n"}
