"""Copies of a sidecar's sources, with what only copies have.

That is the script that is made for a function or a module, and what an installer would know of the
project. The author's own folder is never written to.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from spike.core.errors import StorageError
from spike.project import distribution
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
            f"{place} cannot be written: {error.strerror}.",
            try_next=f"check the free space and the rights of {place.parent}",
        ) from None
