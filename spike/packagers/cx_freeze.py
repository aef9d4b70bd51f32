"""cx_Freeze: a folder with a launcher, the interpreter's library and the bytecode."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from spike.packagers.analysis import defer_gc
from spike.packagers.recipe import (
    STAGED,
    STEADY_ORDER,
    Mode,
    Recipe,
    Tool,
    excluded,
    module_path,
    output_folder,
)
from spike.project.sidecar import Sidecar

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
        if sidecar.collect:
            argv += ["--packages", ",".join(sidecar.collect)]
        if left_out := excluded(sidecar):
            argv += ["--excludes", ",".join(left_out)]
        files = dict(defer_gc.files(sidecar))
        if sidecar.data or sidecar.metadata:
            # Without an archive __file__ is a real path, so that data files lie beside it.
            argv.append("--no-compress")
            files[Path("pyproject.toml")] = _settings(sidecar)
        argv += sidecar.packager_args.get(self.name, ())
        return Recipe(
            argv=tuple(argv),
            # The modules beside the entry script; cx_Freeze looks in the working folder alone.
            env={**STEADY_ORDER, **module_path(sidecar, with_script=True)},
            output=output,
            artifact=output / f"{sidecar.name}{_SUFFIX}",
            folder=output,
            files=files,
        )


def _settings(sidecar: Sidecar) -> str:
    """The ``pyproject.toml`` that cx_Freeze reads: pairs of files have no command-line form."""
    pairs = [
        ((STAGED / item).as_posix(), f"lib/{target}") for item, target in sidecar.data_targets()
    ]
    pairs += [(str(folder), f"lib/{folder.name}") for folder in map(_metadata, sidecar.metadata)]
    lines = ",\n".join(f"  {json.dumps(pair)}" for pair in pairs)
    return f"[tool.cxfreeze.build_exe]\ninclude_files = [\n{lines},\n]\n"


def _metadata(distribution: str) -> Path:
    """Folder of a distribution's metadata here, in the environment that is packaged."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "METADATA":
            return Path(str(file.locate())).parent
    return Path(f"{distribution}.dist-info")  # cx_Freeze says that it is not there


CX_FREEZE = CxFreeze()
