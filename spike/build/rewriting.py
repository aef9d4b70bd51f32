"""Rewritten libraries in a build: made and proved before the packager runs, or left out.

Standard library only: it runs in the packager's environment.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from spike.core.errors import NotProvedError
from spike.faststart import overlay
from spike.faststart.tables import Tables
from spike.packagers.recipe import Recipe
from spike.project.sidecar import Sidecar

TOOK = re.compile(r"; tried and proved in (\d+) s$")
"""Where a remark of :func:`fill` says how many seconds that took."""


def fill(
    sidecar: Sidecar, variant: str, recipe: Recipe, work: Path, say: Callable[[str], None]
) -> tuple[str, ...]:
    """Put rewritten libraries where the packager looks first.

    When they cannot be proved there are none, and what is built is what would be built without
    being asked.

    Args:
        sidecar: Whose libraries.
        variant: The variant's id.
        recipe: How it is built.
        work: The build's working folder.
        say: Tells the user a line.

    Returns:
        What is worth knowing, each a sentence or two.

    Raises:
        MissingToolError: The program of ``check`` is not there.
        OSError: They cannot be written.
    """
    if recipe.overlay is None:
        if not sidecar.fast_start:
            return ()
        told = [f"fast_start changes nothing: {variant} has no form for it yet"]
    else:
        say(f"{variant}: trying the program and proving rewritten libraries ...")
        try:
            made = overlay.make(
                sidecar,
                exclude=sidecar.fast_start_exclude,
                check=sidecar.check,
                compiled=recipe.compiled is not None,
            )
        except NotProvedError as error:
            told = [f"built plainly, without a faster start. {error}"]
            overlay.write_tables(Tables(), work / recipe.overlay)
        else:
            made.write(work / recipe.overlay, idle=sidecar.fast_start_idle)
            told = [
                f"{made.put_off} imports of libraries wait until somebody needs them, so that "
                f"{len(made.spared)} modules are not loaded until it is ready; "
                f"{len(made.tables.patterns)} patterns and code from {len(made.tables.texts)} "
                f"texts are made beforehand; tried and proved in {made.elapsed_s:.0f} s",
                *(f"{name} is left as it is: {why}" for name, why in made.left_out.items()),
            ]
    for text in told:
        say(f"{variant}: {text}")
    return tuple(told)


def facts(sidecar: Sidecar, recipe: Recipe) -> dict[str, object]:
    """What decides how libraries are rewritten: how the program is launched, and our own code."""
    if recipe.overlay is None:
        return {}
    launched = ("args", "env", "ready", "ready_pattern", "ready_stream", "ready_url", "smoke")
    code = hashlib.sha256()
    for path in sorted(Path(overlay.__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    return {
        "tried": {name: getattr(sidecar, name) for name in launched},
        "rewriting": code.hexdigest(),
    }
