"""A path that a frozen program has named, as it lies below the folder that the program ships in."""

from __future__ import annotations

import re

from spike.launch.causes import SidecarFacts, below

# The folders that frozen programs run from, wherever they lie: PyInstaller's onefile and onedir,
# Nuitka's onefile, its cached unpack (VERSION-HASH, see the recipe) and standalone, cx_Freeze's
# archive. What follows is relative to the program.
_PROGRAM_FOLDER = re.compile(
    r"^.*?(?:/_MEI[^/]+/|/_internal/|/onefile_[^/]+/|/[^/]+-[0-9a-f]{12}/|/[^/]+\.dist/"
    r"|/lib/library\.zip/)"
)
# Below the folder of a program whose place is known, what some packagers put in between.
_INNER_FOLDER = re.compile(
    r"(?:_internal/|lib/library\.zip/|lib/python3\.\d+/(?:site-packages/)?|lib/)?"
)
# In a folder with a real Python a sidecar's files lie as they do in its own folder.
OWN_FOLDER = "lib/app/"


def program_path(path: str, facts: SidecarFacts) -> str | None:
    """A path below the program's folder as it stands there; None for any other."""
    folder = facts.program_folder.replace("\\", "/").rstrip("/") + "/"
    path = path.replace("\\", "/")
    return path[len(folder) :] if folder != "/" and path.startswith(folder) else None


def relative_to_program(path: str, facts: SidecarFacts) -> str | None:
    """Return a path below the program's own folder relative to it; None for any other path."""
    inside = program_path(path, facts)
    if inside is not None and inside.startswith(OWN_FOLDER):
        return inside.removeprefix(OWN_FOLDER).removeprefix(below(facts.roots[0], ""))
    if inside is not None:
        return _INNER_FOLDER.sub("", inside, count=1)
    if match := _PROGRAM_FOLDER.match(path.replace("\\", "/")):
        return path.replace("\\", "/")[match.end() :]
    return None
