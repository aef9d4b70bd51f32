"""Which platform a record is about, before it looks at the others.

Its page is of one platform: times of two machines never stand side by side. That one is named in
front of the record, so that a checkout on any system finds the record to be what its committed
results say, whatever was measured there meanwhile.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

from decision.prose import front
from spike.core.errors import CorruptFileError
from spike.core.workspace import command_path, display_path, platform_id
from spike.measure import platforms, results
from spike.project.sidecar import Sidecar

_NAME: Final = re.compile(rf"[a-z]+-[a-z0-9]+(?:{platforms.PYTHON})?")


def at_home(sidecar: Sidecar, output: str = "") -> Sidecar:
    """The sidecar with the results of the platform that its record is about.

    It is the one that the record names, when there are results of it; else this one; else one
    that was merged in, of this system first.

    Args:
        sidecar: Whose record it is.
        output: The record's file; empty for the usual place.
    """
    own = sidecar.on("")
    try:
        text = (Path(output) if output else own.workspace.record).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""  # there is none yet, or documents says what is wrong with it
    named = front(text).get("platform", "")
    there = platforms.merged(sidecar)
    mine = [name for name in there if name.startswith(f"{platform_id()}-")]
    for name in (named, platform_id(), *mine, *there):
        if _NAME.fullmatch(name) and results.files(sidecar.on(name).workspace.results):
            return own if name == platform_id() else sidecar.on(name)
    return own


def others(sidecar: Sidecar) -> tuple[str, ...]:
    """Names of the platforms that a record looks at beside its own.

    Args:
        sidecar: As :func:`at_home` gives it.
    """
    own = {sidecar.workspace.platform_name, name_at_home(sidecar)}
    return tuple(name for name in platforms.merged(sidecar) if name not in own)


def left_out(sidecar: Sidecar) -> str:
    """Which results a record does not look at, and why, in a sentence; empty for none.

    Args:
        sidecar: As :func:`at_home` gives it.
    """
    own, name = sidecar.workspace.results, name_at_home(sidecar)
    here = sidecar.on("")
    if sidecar.platform and name_at_home(here) not in ("", *platforms.merged(sidecar)):
        place = display_path(here.workspace.results)
        return (
            f"Not shown: {place}, since the record is about {sidecar.platform}; "
            f"invoke merge {command_path(here.workspace.results)}{sidecar.option} takes it in."
        )
    if sidecar.workspace.platform_name == name or name not in platforms.merged(sidecar):
        return ""
    return (
        f"Not shown: {display_path(sidecar.on(name).workspace.results)}, since "
        f"{display_path(own)} is of the same platform; invoke merge --withdraw "
        f"{name}{sidecar.option} takes it away."
    )


def name_at_home(sidecar: Sidecar) -> str:
    """What the record's own platform is called with its Python; empty for none yet."""
    found = []
    for path in results.files(sidecar.workspace.results).values():
        with contextlib.suppress(CorruptFileError):  # who reads it says so
            if result := results.load_file(path, remedy=""):
                found.append(result)
    return platforms.name_of(found)
