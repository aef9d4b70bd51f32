"""The Nox sessions that build, run by the commands that a user would type."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from spike.core import process
from spike.core.errors import BuildFailedError
from spike.core.workspace import display_path
from spike.project.sidecar import Sidecar


def command(
    sidecar: Sidecar,
    packagers: Sequence[str],
    *,
    mode: str = "",
    force: bool = False,
    draft: bool = False,
) -> list[str]:
    """The command line that builds a sidecar.

    Args:
        sidecar: What is built.
        packagers: Names of packagers, a session each.
        mode: One mode of theirs; their default modes when empty.
        force: Whether to build again what is up to date.
        draft: Whether a failure is drafted for the issue log.
    """
    options = [] if sidecar.is_own else ["--sidecar", str(sidecar.folder)]
    options += ["--mode", mode] if mode else []
    options += ["--force"] if force else []
    options += ["--draft"] if draft else []
    return [
        *(sys.executable, "-m", "nox", "--sessions"),
        *(f"build_{name}" for name in packagers),
        *(["--", *options] if options else []),
    ]


def build(
    sidecar: Sidecar,
    packagers: Sequence[str],
    *,
    mode: str = "",
    force: bool = False,
    draft: bool = False,
    why: str = "",
) -> process.Completed:
    """Build it in sight of the user.

    Args:
        sidecar: See :func:`command`.
        packagers: See :func:`command`.
        mode: See :func:`command`.
        force: See :func:`command`.
        draft: See :func:`command`.
        why: What a failure means, for its message.

    Raises:
        BuildFailedError: A session failed; its output has said why.
    """
    log = sidecar.workspace.root / "build" / "nox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = process.run_logged(
        command(sidecar, packagers, mode=mode, force=force, draft=draft),
        log_path=log,
        cwd=sidecar.workspace.root,
    )
    if not done.ok:
        who = packagers[0] if len(packagers) == 1 else "A packager"
        raise BuildFailedError(
            f"{who} did not build; its own message stands above.",
            why=why,
            try_next=f"read {display_path(log)}",
        )
    return done
