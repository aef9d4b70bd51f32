"""Frozen findings: copies of results, build facts and the issue log that are never rewritten.

A frozen folder is named by its UTC time and holds ``SHA256SUMS`` in the format of sha256sum, so
that ``sha256sum --check SHA256SUMS`` proves it without this tool.
"""

from __future__ import annotations

import contextlib
import gzip
import shutil
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from spike.build.buildinfo import file_sha256
from spike.core.errors import SpikeError, StorageError
from spike.core.workspace import display_path

SUMS: Final = "SHA256SUMS"


def freeze(base: Path, files: Mapping[str, Path]) -> Path:
    """Copy files into a new dated folder and seal it.

    Args:
        base: Where the dated folders lie.
        files: The files to copy, by the path that they get in the folder; ``.gz`` behind a name
            compresses the copy.

    Returns:
        The new folder; an existing one is never touched.

    Raises:
        StorageError: It cannot be written; nothing half-frozen stays.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    target = base / stamp
    partial = base / f"{stamp}.partial"
    number = 1
    while target.exists() or partial.exists():
        number += 1
        target = base / f"{stamp}-{number}"
        partial = base / f"{stamp}-{number}.partial"
    try:
        partial.mkdir(parents=True)
        for name, source in sorted(files.items()):
            copy = partial / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if copy.suffix == ".gz" and source.suffix != ".gz":
                copy.write_bytes(gzip.compress(source.read_bytes(), mtime=0))
            else:
                shutil.copyfile(source, copy)
        lines = [f"{file_sha256(partial / name)}  {name}\n" for name in sorted(files)]
        (partial / SUMS).write_text("".join(lines), encoding="utf-8")
        for path in partial.rglob("*"):
            if path.is_file():
                path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        partial.rename(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            shutil.rmtree(partial)
        raise StorageError(
            f"The findings cannot be frozen into {display_path(target)}: {error.strerror}.",
            try_next="check the free space and the rights of the folder",
        ) from None
    return target


def problem(folder: Path, sums_sha256: str) -> str:
    """Say what is wrong with a frozen folder; empty when it is as it was frozen.

    Args:
        folder: The folder.
        sums_sha256: SHA-256 of its ``SHA256SUMS``, kept elsewhere.
    """
    shown = display_path(folder)
    try:
        if file_sha256(folder / SUMS) != sums_sha256:
            return f"{shown}/{SUMS} is not the one that was frozen."
        listed = set()
        for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
            sha256, name = line.split("  ", 1)
            listed.add(name)
            if not (folder / name).is_file():
                return f"{shown}/{name} is gone."
            if file_sha256(folder / name) != sha256:
                return f"{shown}/{name} was changed after it was frozen."
        found = {
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        }
        extra = sorted(found - listed - {SUMS})
        return f"{shown}/{extra[0]} was added after the freeze." if extra else ""
    except (SpikeError, OSError, ValueError):
        return f"{shown} cannot be read, or is gone."
