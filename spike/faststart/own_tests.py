"""The author's own tests, run with the libraries as the program will have them, or plainly.

Standard library only: it runs in the packager's environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from spike.core import process
from spike.core.errors import MissingToolError, NotProvedError
from spike.faststart import trials
from spike.faststart.lazy import Key
from spike.faststart.trials import Overlaid
from spike.launch.places import Place
from spike.project.sidecar import Sidecar

TIMEOUT_S = 1800.0
"""How long they may take."""


def run(
    sidecar: Sidecar,
    place: Place,
    check: Sequence[str],
    *,
    modules: Mapping[str, Overlaid],
    lazy: Mapping[Key, int],
    tables: Path | None,
) -> None:
    """Run them in the copy of the sources.

    Args:
        sidecar: Whose tests.
        place: Where the copy lies.
        check: Their command; nothing is run when it is empty.
        modules: See :func:`spike.faststart.trials.run`; ``lazy`` and ``tables`` likewise.
        lazy: See there.
        tables: See there.

    Raises:
        NotProvedError: They fail.
        MissingToolError: They cannot be run.
    """
    if not check:
        return
    env, _ = trials.environment(
        sidecar, place, modules=modules, lazy=lazy, tables=tables, quiet=True
    )
    if (fast := _said(sidecar, place, check, env)) is None:
        return
    env, _ = trials.environment(sidecar, place, quiet=True)
    shown = " ".join(check)
    if (plain := _said(sidecar, place, check, env)) is not None:
        raise NotProvedError(f"The check {shown!r} fails with the plain libraries as well: {plain}")
    raise NotProvedError(f"The check {shown!r} fails with the rewritten libraries: {fast}")


def _said(
    sidecar: Sidecar, place: Place, check: Sequence[str], env: Mapping[str, str]
) -> str | None:
    """Their last words when they fail, None when they pass."""
    programs = str(Path(sys.executable).parent)
    command = [sys.executable, *check[1:]] if check[0] == "python" else check
    try:
        done = process.capture(
            command,
            env={**env, "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")])},
            cwd=place.sources,
            timeout_s=TIMEOUT_S,
        )
    except MissingToolError:
        raise MissingToolError(
            f"The check cannot be run: there is no program {check[0]!r}.",
            why="It is looked for beside the packaged Python, then on PATH.",
            try_next="put it into a dependency group, name that in [tool.sidecar] groups, and "
            f"nox -s lock --{sidecar.option}",
        ) from None
    if done.ok:
        return None
    return "\n".join((done.output + done.errors).strip().splitlines()[-5:]) or "no output"
