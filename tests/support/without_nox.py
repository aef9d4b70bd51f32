"""``nox -s build_NAME -- WORDS`` where the environment is there: what that session runs in it."""

from __future__ import annotations

import sys

from spike.build import builder
from spike.core.command_line import run_command_line
from spike.core.workspace import TOOL


def main() -> None:
    """Build as ``python -m spike.build`` does."""
    _, session, _, *words = sys.argv[1:]
    packager = session.removeprefix("build_")
    sys.argv[1:] = [packager, "--lock", str(TOOL / "locks" / f"{packager}.txt"), *words]
    run_command_line(builder.main, interrupted="interrupted: nothing was published")
