"""Folders of results in what was handed over: a job's artifact, or many of them in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spike.core.workspace import command_path, display_path
from spike.measure import results
from spike.project.sidecar import Sidecar

_BESIDE: Final = frozenset({results.ELSEWHERE, results.EVIDENCE, "partial", "report"})
"""Folders beside results, in which no whole run of its own lies."""

SIDECARS: Final = "sidecars"
"""Folder of the results of other sidecars, beside those of the project's own."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a folder is not taken.

    Attributes:
        path: The file or folder that is not right.
        says: What is wrong with it, as the end of a sentence.
        why: The cause, in a sentence; empty when ``says`` says it all.
        try_next: The command or the change to try next.
    """

    path: Path
    says: str
    why: str = ""
    try_next: str

    def __str__(self) -> str:
        """One paragraph: the file, the fact, the cause, the next command."""
        parts = [f"{display_path(self.path)} {self.says}.", self.why, f"Try: {self.try_next}"]
        return " ".join(part for part in parts if part)


def find(given: Path, sidecar: Sidecar) -> list[Path] | Refusal:
    """The folders of results below one that was named, itself included, sorted.

    Results that lie in ``sidecars/<name>`` are those of another sidecar than the project's own;
    they are looked for when that one is meant.
    """
    if not given.is_dir():
        return Refusal(
            path=given,
            says="is no folder",
            why="invoke merge takes folders of results, or folders that hold such folders.",
            try_next=f"invoke merge benchmarks/results/{sidecar.workspace.platform_name}"
            f"{sidecar.option}",
        )
    found = [folder for folder in (given, *_below(given)) if _has_results(folder)]
    whose = [folder for folder in found if folder.parts[-2:] == (SIDECARS, sidecar.name)]
    if not sidecar.is_own and whose:
        return whose
    own = [folder for folder in found if folder == given or folder.parent.name != SIDECARS]
    if not own:
        return Refusal(
            path=given,
            says=f"has no results of {sidecar.name} in it",
            why="Results are *.json and *.json.gz files of whole runs, as "
            f"benchmarks/results/{sidecar.workspace.platform_name} has them.",
            try_next=f"invoke bench{sidecar.option} on the machine that made the folder, then "
            f"invoke merge {command_path(given)}{sidecar.option}",
        )
    return own


def _below(folder: Path) -> Iterator[Path]:
    """Folders below one, at any depth, without those that lie beside results and without links."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in _BESIDE:
            yield path
            yield from _below(path)


def _has_results(folder: Path) -> bool:
    return bool(results.files(folder)) or any(folder.glob("*.incomplete.json"))
