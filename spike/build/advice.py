"""The judgement of a launch of what was built, and what it needs to know of the sidecar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from spike.build.buildinfo import PROVIDED_NAME, Built
from spike.launch import judgement, leftovers, places
from spike.launch.causes import SidecarFacts
from spike.launch.ready import Ready
from spike.launch.spec import Launch
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
    )


def judged(built: Built) -> Launch:
    """Launch a throw-away copy of a finished build once, and judge."""
    sidecar = built.sidecar
    leftovers.adopt_orphans()
    with places.copied(
        sidecar.workspace.build / "places",
        built.artifact,
        folder=built.folder,
        sources=sidecar.folder,
        files=sidecar.source_files() if sidecar.smoke else (),
    ) as (place, copy):
        inside = place.program if built.folder else copy.parent
        known = replace(facts_of(built), program_folder=str(inside))
        return judgement.judge(
            judgement.spec_of(sidecar, [str(copy)], place=place),
            place=place,
            explain=lambda done: judgement.explained(done, variant=built.info.variant, known=known),
        )


def facts_of(built: Built) -> SidecarFacts:
    """The same for a finished build, or for a copy of one."""
    try:
        text = (built.variant.folder(built.sidecar) / PROVIDED_NAME).read_text(encoding="utf-8")
        provided = json.loads(text)
    except (OSError, ValueError):
        provided = None  # a build from before that file: the diagnosis knows less
    folder = built.folder or built.artifact.parent
    return facts(
        built.sidecar,
        program_folder=folder,
        provided=provided,
        is_folder=built.folder is not None,
    )
