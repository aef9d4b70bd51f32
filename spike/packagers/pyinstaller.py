"""PyInstaller: puts a ready-made launcher in front of the interpreter and the bytecode."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from spike.packagers.recipe import STAGED, Mode, Recipe, Tool, output_folder
from spike.sidecar import Sidecar

_SUFFIX = ".exe" if sys.platform == "win32" else ""


@dataclass(frozen=True, kw_only=True)
class PyInstaller:
    """See :class:`spike.packagers.Packager`."""

    name: str = "pyinstaller"
    distribution: str = "pyinstaller"
    modes: tuple[Mode, ...] = (
        Mode(name="onefile", summary="one file that unpacks itself at every launch (the plan's)"),
        Mode(name="onedir", summary="a folder with the program and what it needs"),
    )
    tools: tuple[Tool, ...] = (
        *(
            (
                Tool(
                    anyone_of=("objdump",),
                    purpose="lets PyInstaller find the libraries that a module needs",
                    install="apt-get install binutils",
                ),
            )
            if sys.platform == "linux"
            else ()
        ),
    )

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        output = output_folder(sidecar, self.name, mode)
        argv = [
            *("pyinstaller", (STAGED / sidecar.entry).as_posix(), f"--{mode}"),
            *("--distpath", output.as_posix(), "--name", sidecar.name),
            *_contents(sidecar),
        ]
        # Its cache would otherwise be shared by every project of this user.
        env = {"PYINSTALLER_CONFIG_DIR": "pyinstaller-cache"}
        if mode == "onefile":
            return Recipe(
                argv=tuple(argv),
                env=env,
                output=output,
                artifact=output / f"{sidecar.name}{_SUFFIX}",
            )
        folder = output / sidecar.name
        return Recipe(
            argv=tuple(argv),
            env=env,
            output=output,
            artifact=folder / f"{sidecar.name}{_SUFFIX}",
            folder=folder,
        )


def _contents(sidecar: Sidecar) -> list[str]:
    """What the sidecar's ``pyproject.toml`` asks for beyond the program itself."""
    options = [f"--hidden-import={module}" for module in sidecar.hidden_imports]
    options += [f"--collect-all={package}" for package in sidecar.collect]
    options += [f"--copy-metadata={distribution}" for distribution in sidecar.metadata]
    for item, target in sidecar.data_targets():
        # PyInstaller takes the destination folder: a file keeps its name, a folder must repeat it.
        place = target if (sidecar.folder / item).is_dir() else Path(target).parent.as_posix()
        options += ["--add-data", f"{(STAGED / item).as_posix()}{os.pathsep}{place}"]
    return options


PYINSTALLER = PyInstaller()
