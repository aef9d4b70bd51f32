"""Nuitka: compiles the program to C and links it with libpython.

Licence: Nuitka is AGPLv3 with a runtime exception for the programs that it compiles.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from spike.packagers.recipe import STAGED, Mode, Recipe, Tool, output_folder
from spike.sidecar import Sidecar

_SUFFIX = ".exe" if sys.platform == "win32" else ".bin"


@dataclass(frozen=True, kw_only=True)
class Nuitka:
    """See :class:`spike.packagers.Packager`."""

    name: str = "nuitka"
    distribution: str = "nuitka"
    modes: tuple[Mode, ...] = (
        Mode(name="onefile", summary="one file that unpacks itself at every launch (the plan's)"),
        Mode(name="standalone", summary="a folder with the program and what it needs"),
    )
    tools: tuple[Tool, ...] = (
        Tool(
            anyone_of=("gcc", "clang", "cc", "cl"),
            purpose="compiles the C code that Nuitka writes",
            install="apt-get install build-essential",
        ),
        *(
            (
                Tool(
                    anyone_of=("patchelf",),
                    purpose="lets Nuitka set the library path of what it copies",
                    install="apt-get install patchelf",
                ),
            )
            if sys.platform == "linux"
            else ()
        ),
    )

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        output = output_folder(sidecar, self.name, mode)
        entry = STAGED / sidecar.entry
        stem = Path(sidecar.entry).stem
        argv = [
            *("python", "-m", "nuitka", entry.as_posix()),
            "--onefile" if mode == "onefile" else "--standalone",
            "--assume-yes-for-downloads",
            f"--output-dir={output.as_posix()}",
            *_contents(sidecar),
        ]
        leftovers = (output / f"{stem}.build", output / f"{stem}.onefile-build")
        folder = output / f"{stem}.dist"
        if mode == "onefile":
            return Recipe(
                argv=tuple(argv),
                output=output,
                artifact=output / f"{stem}{_SUFFIX}",
                discard=(*leftovers, folder),
            )
        return Recipe(
            argv=tuple(argv),
            output=output,
            artifact=folder / f"{stem}{_SUFFIX}",
            folder=folder,
            discard=leftovers,
        )


def _contents(sidecar: Sidecar) -> list[str]:
    """What the sidecar's ``pyproject.toml`` asks for beyond the program itself."""
    options = [f"--include-module={module}" for module in sidecar.hidden_imports]
    for package in sidecar.collect:
        options += [f"--include-package={package}", f"--include-package-data={package}"]
    options += [f"--include-distribution-metadata={name}" for name in sidecar.metadata]
    for item, target in sidecar.data_targets():
        kind = "dir" if (sidecar.folder / item).is_dir() else "files"
        options.append(f"--include-data-{kind}={(STAGED / item).as_posix()}={target}")
    return options


NUITKA = Nuitka()
