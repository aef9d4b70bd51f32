"""The Nox sessions that build, run by the commands that a user would type."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from spike.core import logged, process
from spike.core.errors import BuildFailedError
from spike.core.workspace import display_path
from spike.packagers import Variant
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
    options += ["--python", sidecar.python_asked] if sidecar.python_asked else []
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
    asked = command(sidecar, packagers, mode=mode, force=force, draft=draft)
    done, log = _run(sidecar, asked)
    if not done.ok:
        who = packagers[0] if len(packagers) == 1 else "A packager"
        raise BuildFailedError(
            f"{who} did not build; its own message stands above.",
            why=why,
            try_next=f"read {display_path(log)}",
        )
    return done


def trial(
    sidecar: Sidecar, variant: Variant, added: Mapping[str, Sequence[str]]
) -> process.Completed:
    """Build one variant with more in some lists of ``[tool.sidecar]``, and compare its pages.

    The first launch may fail, and is looked at all the same.
    """
    words = command(sidecar, [variant.packager.name], mode=variant.mode.name, force=True)
    return _run(sidecar, [*words, "--trial", json.dumps(added)])[0]


def lock(sidecar: Sidecar) -> None:
    """Pin a sidecar's dependencies.

    Raises:
        BuildFailedError: They cannot be resolved; the session's output has said why.
    """
    _on_dependencies(sidecar, "lock", "locked")


def environment(sidecar: Sidecar) -> None:
    """Install a sidecar's own dependencies, to run it as a script.

    Raises:
        BuildFailedError: They cannot be installed; the session's output has said why.
    """
    _on_dependencies(sidecar, "sidecar_env", "installed")


def _on_dependencies(sidecar: Sidecar, session: str, done_with: str) -> None:
    words = [sys.executable, "-m", "nox", "--sessions", session, "--"]
    done, log = _run(sidecar, [*words, "--sidecar", str(sidecar.folder)])
    if not done.ok:
        raise BuildFailedError(
            f"The dependencies of {sidecar.name} could not be {done_with}; the message stands "
            "above.",
            try_next=f"read {display_path(log)}",
        )


def _run(sidecar: Sidecar, words: Sequence[str]) -> tuple[process.Completed, Path]:
    log = sidecar.workspace.root / "build" / "nox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    return logged.run(words, log_path=log, cwd=sidecar.workspace.root), log
