"""Frozen findings: copies of results, build facts and the issue log that are never rewritten.

A snapshot is one archive, named by its UTC time. Its first member, ``SHA256SUMS``, is in the format
of sha256sum, so that its contents can be proved without this tool:
``tar -xf SNAPSHOT && sha256sum --check SHA256SUMS``.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import stat
import tarfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from spike.build.buildinfo import file_sha256
from spike.core.errors import SpikeError, StorageError
from spike.core.workspace import display_path

SUMS: Final = "SHA256SUMS"
SUFFIX: Final = ".tar.xz"


def freeze(base: Path, files: Mapping[str, Path]) -> Path:
    """Copy files into a new dated archive.

    Args:
        base: Where the archives lie.
        files: The files to copy, by the path that they get in the archive. What ``.gz`` compresses
            is kept without that: results of one sidecar together need half as much.

    Returns:
        The new archive; an existing one is never touched.

    Raises:
        StorageError: A file cannot be read, or the archive not be written; nothing half-frozen
            stays.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    stamp = now.strftime("%Y-%m-%dT%H%M%SZ")
    target = base / f"{stamp}{SUFFIX}"
    number = 1
    while target.exists():
        number += 1
        target = base / f"{stamp}-{number}{SUFFIX}"
    partial = target.with_suffix(".partial")
    try:
        contents = dict(_content(name, source) for name, source in sorted(files.items()))
        sums = "".join(
            f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items()
        )
        base.mkdir(parents=True, exist_ok=True)
        with tarfile.open(partial, "w:xz", preset=9) as archive:
            for name, content in {SUMS: sums.encode(), **contents}.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                member.mtime = int(now.timestamp())
                archive.addfile(member, io.BytesIO(content))
        partial.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        partial.rename(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"The findings cannot be frozen into {display_path(target)}: {error.strerror}.",
            try_next="check the free space and the rights of the folder",
        ) from None
    return target


def _content(name: str, source: Path) -> tuple[str, bytes]:
    content = source.read_bytes()
    if not name.endswith(".gz"):
        return name, content
    try:
        return name.removesuffix(".gz"), gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return name, content  # damaged, and kept as it was found


def problem(archive: Path, sha256: str) -> str:
    """Say what is wrong with a snapshot; empty when it is as it was frozen.

    Args:
        archive: The archive.
        sha256: Its SHA-256, kept elsewhere.
    """
    if not archive.is_file():
        return f"{display_path(archive)} is gone."
    try:
        same = file_sha256(archive) == sha256
    except SpikeError:
        return f"{display_path(archive)} cannot be read."
    return "" if same else f"{display_path(archive)} was changed after it was frozen."
