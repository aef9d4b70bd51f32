"""cx_Freeze: a folder with a launcher, the interpreter's library and the bytecode."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from spike.packagers.recipe import STAGED, Mode, Recipe, Tool, output_folder
from spike.sidecar import Sidecar

_SUFFIX = ".exe" if sys.platform == "win32" else ""


@dataclass(frozen=True, kw_only=True)
class CxFreeze:
    """See :class:`spike.packagers.Packager`."""

    name: str = "cx_freeze"
    distribution: str = "cx-freeze"
    modes: tuple[Mode, ...] = (
        Mode(name="onedir", summary="a folder with the program and what it needs"),
    )
    tools: tuple[Tool, ...] = ()

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        output = output_folder(sidecar, self.name, mode)
        argv = [
            *("cxfreeze", "build_exe", "--script", (STAGED / sidecar.entry).as_posix()),
            *("--target-name", sidecar.name, "--build-exe", output.as_posix()),
        ]
        if sidecar.hidden_imports:
            argv += ["--includes", ",".join(sidecar.hidden_imports)]
        if sidecar.data:
            pairs = [f"{(STAGED / item).as_posix()}={item}" for item in sidecar.data]
            argv += ["--include-files", ",".join(pairs)]
        return Recipe(
            argv=tuple(argv),
            output=output,
            artifact=output / f"{sidecar.name}{_SUFFIX}",
            folder=output,
        )


CX_FREEZE = CxFreeze()
