"""Copies of a sidecar's sources, with what only copies have.

That is the script that is made for a function or a module, and what an installer would know of the
project. The author's own folder is never written to.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from spike.core.errors import StorageError, reason
from spike.core.workspace import command_path
from spike.project import distribution, imports
from spike.project.sidecar import Sidecar


def stage(sidecar: Sidecar, place: Path) -> Path:
    """Copy the sources into a folder.

    Returns:
        The script in that folder.

    Raises:
        OSError: A file cannot be read or written.
    """
    for relative in sidecar.source_files():
        copy = place / relative
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(sidecar.folder / relative, copy)
    script = place / sidecar.entry
    if sidecar.module:
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_bytes(sidecar.script())
    if sidecar.distribution:
        distribution.write(sidecar.distribution, script.parent)
    return script


def startable(sidecar: Sidecar) -> tuple[Path, Path, tuple[Path, ...]]:
    """A folder with the sources and the script that is packaged, that script, and what it needs.

    It is the author's own folder, or a copy where that lacks something. The files, relative to the
    folder, are the sources and what only copies have.

    Raises:
        StorageError: The copy cannot be made.
    """
    files, entry = sidecar.source_files(), Path(sidecar.entry)
    if not sidecar.module and sidecar.distribution is None:
        return sidecar.folder, sidecar.folder / entry, files
    made = [entry] if sidecar.module else []
    if said := sidecar.distribution:
        made += [entry.parent / path for path in distribution.files(said)]
    place = sidecar.workspace.build / "script"
    try:
        shutil.rmtree(place, ignore_errors=True)
        return place, stage(sidecar, place), (*files, *made)
    except OSError as error:
        raise StorageError(
            f"{place} cannot be written: {reason(error)}.",
            try_next=f"check the free space and the rights of {place.parent}",
        ) from None


def by_hand(sidecar: Sidecar) -> str:
    """The command that starts the plain script as it is launched, to be named in messages.

    Raises:
        StorageError: What it starts cannot be made.
    """
    sources, script, _ = startable(sidecar)
    python = command_path(sidecar.python) if sidecar.python else "python"
    args = shlex.join(sidecar.args).replace("{free_port}", "8000")
    command = f"{python} {command_path(script)} {args}".rstrip()
    for name, value in imports.module_path(sidecar, sources).items():
        # PowerShell sets a variable so, and a POSIX shell in front of the command.
        is_windows = os.name == "nt"
        setting = f'$env:{name} = "{value}";' if is_windows else f"{name}={shlex.quote(value)}"
        command = f"{setting} {command}"
    return command
