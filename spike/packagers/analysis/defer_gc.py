"""Garbage collection held off until READY: an option of the sidecar that works with any packager.

The staged copy of the entry script gets one more import, in front of everything else, on a line
that is there already: the program's own line numbers, and so its tracebacks, stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spike.packagers.recipe import STAGED
from spike.project.entry import with_first
from spike.project.sidecar import Sidecar

MODULE = "sidecar_defer_gc"
_SOURCE = Path(__file__).parents[1] / "staged" / f"{MODULE}.py"


def files(sidecar: Sidecar, *, always: bool = False) -> Mapping[Path, str]:
    """The files to stage: the module and the changed entry script; none when not asked for."""
    if not (sidecar.defer_gc or always):
        return {}
    entry = STAGED / sidecar.entry
    module = _SOURCE.read_text(encoding="utf-8")
    script = with_first(sidecar.script(), f"import {MODULE}").decode("utf-8")
    return {
        entry: script,
        entry.with_name(f"{MODULE}.py"): module.replace(
            'READY = "READY"', f"READY = {sidecar.ready!r}"
        ),
    }
