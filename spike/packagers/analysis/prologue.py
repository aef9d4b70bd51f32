"""What a program does first: garbage collection held off until READY, and tables handed out.

The staged copy of the entry script gets one more import, in front of everything else, on a line
that is there already: the program's own line numbers, and so its tracebacks, stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spike.packagers.recipe import STAGED, TABLES
from spike.project.entry import as_utf8, with_first
from spike.project.sidecar import Sidecar

MODULE = "sidecar_defer_gc"
_SOURCE = Path(__file__).parents[1] / "staged" / f"{MODULE}.py"


def files(
    sidecar: Sidecar, *, always: bool = False, overlay: Path | None = None
) -> Mapping[Path, str]:
    """The files to stage: the module and the changed entry script; none when not asked for.

    Args:
        sidecar: What is built.
        always: Whether garbage collection is held off in any case.
        overlay: Where rewritten libraries go, and the tables with them. With a faster start
            collection is held off wherever the program says by a line of its own that it is ready.
    """
    waits = sidecar.defer_gc or always or (overlay and sidecar.says_ready_itself)
    modules = [MODULE] if waits else []
    modules += [TABLES] if overlay else []
    if not modules:
        return {}
    entry = STAGED / sidecar.entry
    script = as_utf8(with_first(sidecar.script(), f"import {', '.join(modules)}"))
    staged = {entry: script}
    if waits:
        module = _SOURCE.read_text(encoding="utf-8")
        staged[entry.with_name(f"{MODULE}.py")] = module.replace(
            'READY = "READY"', f"READY = {sidecar.ready!r}"
        )
    return staged
