"""cx_Freeze: a folder with a launcher, the interpreter's library and the bytecode."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from spike.core.workspace import TOOL
from spike.packagers.analysis import prologue
from spike.packagers.recipe import (
    FAST_PRICE,
    STAGED,
    STEADY_ORDER,
    Mode,
    Recipe,
    Tool,
    collects_own,
    excluded,
    module_places,
    output_folder,
    overlay_of,
    working_folder,
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
        Mode(
            name="onedir-fast",
            summary="onedir, with libraries whose imports wait until somebody needs them",
            price=FAST_PRICE,
            default=False,
        ),
    )
    tools: tuple[Tool, ...] = ()

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        output = output_folder(sidecar, self.name, mode)
        argv = [
            *("cxfreeze", "build_exe", "--script", (STAGED / sidecar.entry).as_posix()),
            *("--target-name", sidecar.name, "--build-exe", output.as_posix()),
        ]
        if sidecar.loaded_by_name:
            argv += ["--includes", ",".join(sidecar.loaded_by_name)]
        if sidecar.collect:
            argv += ["--packages", ",".join(sidecar.collect)]
        if left_out := excluded(sidecar):
            argv += ["--excludes", ",".join(left_out)]
        overlay = overlay_of(sidecar, mode)
        files = dict(prologue.files(sidecar, overlay=overlay))
        settings = [_path(sidecar, overlay)]
        beside = sidecar.shipped_beside() or sidecar.metadata
        # Without an archive __file__ is a real path: data files, and modules that a program looks
        # for by it, lie beside it. And a fast start has nothing to inflate.
        if beside or collects_own(sidecar) or overlay:
            argv.append("--no-compress")
        if beside:
            settings.append(_included(sidecar))
        if overlay or sidecar.lock:
            settings.append(
                _renamed(overlay and working_folder(sidecar, f"{self.name}-{mode}") / overlay)
            )
        files[Path("pyproject.toml")] = "\n".join(["[tool.cxfreeze.build_exe]", *settings, ""])
        argv += sidecar.packager_args.get(self.name, ())
        return Recipe(
            argv=tuple(argv),
            env=STEADY_ORDER,
            output=output,
            artifact=output / f"{sidecar.name}{_SUFFIX}",
            folder=output,
            files=files,
            overlay=overlay,
        )


def _path(sidecar: Sidecar, overlay: Path | None) -> str:
    """Likewise: where the program's modules are looked for, not those of cx_Freeze itself.

    The variable PYTHONPATH would serve both, and a project's own ``packaging/`` break cx_Freeze.
    """
    own = module_places(sidecar, with_script=True, overlay=overlay)
    here = [place for place in sys.path if place and Path(place).resolve() != TOOL]
    return f"path = {json.dumps([*own, *here])}"


def _included(sidecar: Sidecar) -> str:
    """A setting in the ``pyproject.toml`` that cx_Freeze reads: pairs have no command-line form."""
    pairs = [
        ((STAGED / item).as_posix(), f"lib/{target}") for item, target in sidecar.shipped_beside()
    ]
    others = map(_metadata, sidecar.other_metadata)
    pairs += [(str(folder), f"lib/{folder.name}") for folder in others]
    lines = ",\n".join(f"  {json.dumps(pair)}" for pair in pairs)
    return f"include_files = [\n{lines},\n]"


def _renamed(overlay: Path | None) -> str:
    """Likewise: a library's files are named without this machine's place, rewritten or not.

    A library that looks for its own text there would find it here, and nowhere else.
    """
    places = [*([str(overlay)] if overlay else []), sysconfig.get_path("purelib")]
    return f"replace_paths = {json.dumps([[place, 'site-packages'] for place in places])}"


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
