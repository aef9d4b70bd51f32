"""Adds to a failed launch what its output says: the diagnosis, or at least its last words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from spike.build.buildinfo import PROVIDED_NAME, Built
from spike.launch.diagnosis import Diagnosis, SidecarFacts, diagnose
from spike.launch.spec import Failure, Launch
from spike.project.sidecar import Sidecar

_SAY_LAST_WORDS = (Failure.EXITED_BEFORE_READY, Failure.READY_TIMEOUT, Failure.DIED_AFTER_READY)


def facts(
    sidecar: Sidecar, *, program_folder: Path | None, provided: Mapping[str, str] | None
) -> SidecarFacts:
    """What :func:`spike.launch.diagnosis.diagnose` needs to know about a sidecar."""
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
    )


def facts_of(built: Built) -> SidecarFacts:
    """The same for a finished build."""
    try:
        text = (built.variant.folder(built.sidecar) / PROVIDED_NAME).read_text(encoding="utf-8")
        provided = json.loads(text)
    except (OSError, ValueError):
        provided = None  # a build from before that file: the diagnosis knows less
    folder = built.folder or built.artifact.parent
    return facts(built.sidecar, program_folder=folder, provided=provided)


def finding(launch: Launch, *, variant: str, known: SidecarFacts) -> Diagnosis | None:
    """The diagnosis of a failed launch; None for a good one and when nothing is recognised."""
    if launch.failure is None:
        return None
    return diagnose(
        stderr="\n".join(launch.stderr_tail),
        stdout="\n".join(launch.stdout_tail),
        variant=variant,
        facts=known,
    )


def explained(launch: Launch, *, variant: str, known: SidecarFacts) -> Launch:
    """A failed launch with the reason in its ``detail``; a good one as it is."""
    if launch.failure is None:
        return launch
    if found := finding(launch, variant=variant, known=known):
        return replace(launch, detail=f"{launch.detail}. {found}")
    if launch.failure in _SAY_LAST_WORDS:
        for name, tail in (("stderr", launch.stderr_tail), ("stdout", launch.stdout_tail)):
            words = [line.strip() for line in tail if line.strip()]
            # PyInstaller's launcher closes with a line of its own, behind the traceback.
            words = [line for line in words if not line.startswith("[PYI-")]
            if words:
                return replace(launch, detail=f"{launch.detail}; {name} ends with: {words[-1]}")
        return replace(launch, detail=f"{launch.detail}; it wrote nothing")
    return launch
