"""What the packagers refuse to build with a Python, by their own rules, asked in that Python.

Each recipe is described there, so no rule is written down twice. Standard library only.
"""

from __future__ import annotations

import json
from pathlib import Path

from spike.core import process
from spike.core.command_line import run_command_line, say
from spike.core.errors import MissingToolError, UnsuitableError
from spike.core.workspace import tool_environment
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar, load


def here(sidecar: Sidecar) -> dict[str, str]:
    """What is refused in the Python that runs this: why, in sentences, by variant."""
    refused = {}
    for name, variant in VARIANTS.items():
        if variant.mode.name == "spec" and not sidecar.spec:
            continue  # which Python it is has no part in that
        try:
            variant.packager.recipe(sidecar, variant.mode.name)
        except UnsuitableError as error:
            refused[name] = " ".join(part for part in (error.what, error.why) if part)
    return refused


def of(python: Path, sidecar: Sidecar) -> dict[str, str]:
    """The same of another Python.

    Args:
        python: It; of a sidecar with dependencies, one that has them tells more.
        sidecar: What would be built.

    Raises:
        MissingToolError: It cannot be asked.
    """
    words = [str(python), "-P", "-m", "spike.build.refusals", str(sidecar.folder)]
    done = process.capture(words, env=tool_environment(), timeout_s=120.0)
    if not done.ok:
        raise MissingToolError(
            f"{python} cannot be asked what is refused: {' '.join(done.errors.split())[-300:]}",
            try_next=f"{python} --version",
        )
    found: dict[str, str] = json.loads(done.output)
    return found


def main(arguments: list[str]) -> int:
    """Command line: print what is refused of a sidecar's folder, as JSON."""
    say(json.dumps(here(load(arguments[0]))))
    return 0


if __name__ == "__main__":
    run_command_line(main)
