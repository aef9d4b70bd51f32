"""The judgement of a launch of what was built, and what it needs to know of the sidecar."""

from __future__ import annotations

import json
from dataclasses import replace

from spike.build.buildinfo import PROVIDED_NAME, Built
from spike.launch import judgement, leftovers, places
from spike.launch.causes import SidecarFacts
from spike.launch.facts import facts
from spike.launch.spec import Launch


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
