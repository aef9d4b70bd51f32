"""A packager that packages in a second: Python's own zipapp, which every environment has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from spike.packagers import Variant
from spike.packagers.recipe import STAGED, Mode, Recipe, Tool, Workload, output_folder
from spike.project.sidecar import Sidecar

ARCHIVE = Mode(name="archive", summary="a file that the installed Python runs")

PACK = f"""\
import pathlib, sys, zipapp
output = pathlib.Path(sys.argv[1])
output.mkdir()
zipapp.create_archive({STAGED.as_posix()!r}, output / "program", sys.executable)
"""


@dataclass(frozen=True, kw_only=True)
class Toy:
    """See :class:`spike.packagers.recipe.Packager`; the fields are what a test may spoil."""

    name: str = "toy"
    distribution: str = "pytest"
    modes: tuple[Mode, ...] = (ARCHIVE,)
    tools: tuple[Tool, ...] = ()
    module: str = "pack"
    makes: str = "program"
    pack: str = PACK
    compiles: Workload | None = None

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build."""
        output = output_folder(sidecar, self.name, mode)
        work = self.compiles
        return Recipe(
            argv=(sys.executable, "-m", self.module, output.as_posix()),
            output=output,
            artifact=output / self.makes,
            files={
                Path("pack.py"): self.pack,
                STAGED / "__main__.py": f"import {Path(sidecar.entry).stem}\n",
            },
            compiled=(lambda: work) if work else None,
        )


def variant(**changes: str | tuple[Tool, ...] | Workload) -> Variant:
    """The toy's one variant, with these fields changed."""
    return Variant(packager=Toy(**changes), mode=ARCHIVE)  # type: ignore[arg-type]
