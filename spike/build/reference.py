"""Measures what compilations cost, for machines that have not compiled anything yet.

``python -m spike.build.reference`` builds sidecars of different sizes with Nuitka, from an empty
compiler's cache, and writes what they took into ``reference_builds.json``. On a machine that does
something else meanwhile the figures say nothing: run it alone, for a quarter of an hour. What
stands there until then are the builds from empty caches of ``invoke reproducible`` and the first
build of the FastAPI example, as their committed results have them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from spike.build import sessions, timings
from spike.core import command_line, logged, workspace
from spike.core.errors import BuildFailedError
from spike.project import sidecar as sidecars
from spike.project.sidecar import Sidecar

MEASURED: Final = (
    "sidecar",
    "examples/libraries/httpx",
    "examples/fastapi",
    "examples/libraries/sqlalchemy",
)
"""From one module to some hundred."""

MODE: Final = "standalone"


def main(arguments: list[str]) -> int:
    """Build them, and keep each at once; the last figures of a sidecar are the ones that count.

    When all of them are built, what others have measured elsewhere goes.
    """
    parser = argparse.ArgumentParser(prog="python -m spike.build.reference", allow_abbrev=False)
    parser.add_argument("folder", nargs="*", default=MEASURED, help="sidecars of this repository")
    folders = parser.parse_args(arguments).folder
    kept = [] if folders == MEASURED else list(timings.reference())
    for name in folders:
        built = measured(sidecars.load(workspace.TOOL / name))
        command_line.say(
            f"{built.sidecar}: {built.modules} modules, {built.source_bytes / 1e3:.0f} kB of "
            f"source, {built.elapsed_s:.0f} s"
        )
        kept = [
            each for each in kept if (each.sidecar, each.variant) != (built.sidecar, built.variant)
        ]
        kept.append(built)
        timings.write(timings.REFERENCE, kept)
    command_line.say(f"{workspace.display_path(timings.REFERENCE)} written")
    return 0


def measured(sidecar: Sidecar) -> timings.Compilation:
    """Build one with Nuitka, all of it anew.

    Raises:
        BuildFailedError: It did not build, or something came from a cache all the same.
    """
    words = sessions.command(sidecar, ["nuitka"], mode=MODE, force=True)
    before = timings.load(sidecar.workspace.root)
    with tempfile.TemporaryDirectory(prefix="spike-timings-") as empty:
        # Nuitka keeps the compiler's cache below this.
        env = {"NUITKA_CACHE_DIR": str(Path(empty, "nuitka"))}
        log = sidecar.workspace.root / "build" / "reference.log"
        done = logged.run(words, log_path=log, env=env, cwd=sidecar.workspace.root)
    built = [each for each in timings.load(sidecar.workspace.root) if each not in before]
    if not done.ok or len(built) != 1 or not built[0].fresh:
        raise BuildFailedError(
            f"{sidecar.name} was not compiled anew from beginning to end.",
            try_next=f"read {workspace.display_path(log)}",
        )
    return built[0]


if __name__ == "__main__":
    command_line.run_command_line(main)
