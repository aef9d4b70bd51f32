"""A recipe as the Python that is packaged describes it: what it reaches depends on that library.

Standard library only: it runs in a packager's environment.
"""

from __future__ import annotations

import json
from pathlib import Path

from spike.core import process
from spike.core.command_line import run_command_line, say
from spike.core.errors import BuildFailedError
from spike.core.workspace import display_path, tool_environment
from spike.packagers import Variant, variant_named
from spike.packagers.recipe import Recipe
from spike.project.sidecar import Sidecar, load


def of(python: Path, sidecar: Sidecar, variant: Variant) -> Recipe:
    """How a variant is built, asked in the Python of a packager's environment.

    Args:
        python: That Python.
        sidecar: What is built.
        variant: How.

    Returns:
        The recipe, without what would tell of a finished build: commands and files alone.

    Raises:
        BuildFailedError: It is refused there, or that Python cannot be asked.
    """
    words = [str(python), "-P", "-m", "spike.build.recipes", variant.id, str(sidecar.folder)]
    done = process.capture(words, env=tool_environment(), timeout_s=120.0)
    if not done.ok:
        raise BuildFailedError(
            f"{variant.id} cannot be built with {display_path(python)}.",
            why=" ".join(done.errors.split())[-500:],
        )
    found = json.loads(done.output)
    return Recipe(
        argv=tuple(found["argv"]),
        env=found["env"],
        output=Path(found["output"]),
        artifact=Path(found["artifact"]),
        folder=Path(found["folder"]) if found["folder"] else None,
        discard=tuple(Path(path) for path in found["discard"]),
        files={Path(path): text for path, text in found["files"].items()},
    )


def main(arguments: list[str]) -> int:
    """Command line: print the recipe of a variant for a sidecar's folder, as JSON."""
    variant = variant_named(arguments[0])
    found = variant.packager.recipe(load(arguments[1]), variant.mode.name)
    told = {
        "argv": found.argv,
        "env": dict(found.env),
        "output": found.output.as_posix(),
        "artifact": found.artifact.as_posix(),
        "folder": found.folder.as_posix() if found.folder else "",
        "discard": [path.as_posix() for path in found.discard],
        "files": {path.as_posix(): text for path, text in found.files.items()},
    }
    say(json.dumps(told))
    return 0


if __name__ == "__main__":
    run_command_line(main)
