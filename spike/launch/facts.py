"""What the diagnosis of a launch has to know of the sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spike.launch.causes import SidecarFacts
from spike.launch.ready import Ready
from spike.project import imports
from spike.project.sidecar import Sidecar


def facts(
    sidecar: Sidecar,
    *,
    program_folder: Path | None,
    provided: Mapping[str, str] | None,
    is_folder: bool = False,
) -> SidecarFacts:
    """What :func:`spike.launch.diagnosis.diagnose` needs to know about a sidecar.

    Args:
        sidecar: What was built.
        program_folder: The folder that the program lies in.
        provided: Top-level module to distribution, of what the build environment has.
        is_folder: Whether all of that folder ships, so that what is not in it did not.
    """
    shipped = None
    if is_folder and program_folder is not None:
        shipped = frozenset(
            path.relative_to(program_folder).as_posix()
            for path in program_folder.rglob("*")
            if path.is_file()
        )
    return SidecarFacts(
        name=sidecar.name,
        files=frozenset(path.as_posix() for path in sidecar.source_files()),
        dependencies=sidecar.dependencies,
        hidden_imports=sidecar.hidden_imports,
        data=sidecar.data,
        metadata=sidecar.metadata,
        collect=sidecar.collect,
        provided=provided,
        program_folder=str(program_folder) if program_folder else "",
        shipped=shipped,
        roots=imports.import_roots(sidecar),
        health=sidecar.health,
        ready=Ready.of(sidecar),
        optional=imports.followed(sidecar).optional,
    )
