"""JSON files that are whole or not there: written beside the target, synced, then renamed.

A name that ends with ``.gz`` is a compressed file, whose bytes depend on its content alone.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import tempfile
import zlib
from pathlib import Path
from typing import Any

from spike.core.errors import CorruptFileError, StorageError


def write(path: Path, document: Any, *, compact: bool = False) -> None:
    """Write ``document`` to ``path`` atomically, with a final newline.

    Args:
        path: The file.
        document: JSON values.
        compact: Whether to leave out the spaces; else it is indented, for people.

    Raises:
        StorageError: The disk is full or the folder cannot be written; ``path`` is as before.
    """
    write_text(path, (dumps(document) if compact else json.dumps(document, indent=1)) + "\n")


def dumps(document: Any) -> str:
    """A JSON document without spaces."""
    return json.dumps(document, separators=(",", ":"))


def read_text(path: Path, *, remedy: str = "") -> str:
    """Read a text that this tool or a user has written.

    Args:
        path: The file.
        remedy: What to do about one that cannot be read; empty for a look at it.

    Raises:
        CorruptFileError: It cannot be read, or is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        problem = error.strerror or str(error)
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 ({error.reason} at byte {error.start})"
    raise _unreadable(path, problem, remedy)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, in UTF-8.

    Raises:
        StorageError: The disk is full or the folder cannot be written; ``path`` is as before.
    """
    content = text.encode()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=path.name + ".", suffix=".partial"
        )
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            why="What was there before is unchanged.",
            try_next=f"free some disk space, or check the rights of {path.parent}",
        ) from None


def read(path: Path, *, schema: int, remedy: str) -> dict[str, Any]:
    """Read a JSON object that carries ``"schema": schema``.

    Args:
        path: The file.
        schema: The schema version that the caller understands.
        remedy: The command that makes the file anew, for the error message.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptFileError: It is not JSON, not an object, or of another schema.
    """
    try:
        document = json.loads(text(path, remedy=remedy))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error, remedy) from None
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema or isinstance(found, bool):
        raise _schema_error(path, found, schema, remedy)
    assert isinstance(document, dict)
    return document


def text(path: Path, *, remedy: str) -> str:
    """The text of a file, compressed or not.

    Args:
        path: The file.
        remedy: The command that makes it anew, for the error message.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptFileError: It cannot be read, or is no text in UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        # Not "delete it": it is a folder, or another user's, and may be whole.
        raise _unreadable(path, error.strerror or str(error)) from None
    try:
        # By its first bytes: whoever copies one may call it as they like.
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return content.decode()
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error, remedy) from None


def _unreadable(path: Path, problem: str, remedy: str = "") -> CorruptFileError:
    return CorruptFileError(
        f"{path} cannot be read: {problem}.", try_next=remedy or f"look at {path}"
    )


def _damaged(path: Path, error: Exception, remedy: str) -> CorruptFileError:
    return CorruptFileError(f"{path} is damaged: {error}.", try_next=f"delete it and run {remedy}")


def _schema_error(path: Path, found: object, known: int, remedy: str) -> CorruptFileError:
    if isinstance(found, int) and not isinstance(found, bool) and found > known:
        return CorruptFileError(
            f"{path} has schema {found}; this version reads schema {known}.",
            why="It was written by a newer version of this tool.",
            try_next=f"update packaging-spike, or delete the file and run {remedy}",
        )
    return CorruptFileError(
        f"{path} has schema {found!r}; this version reads schema {known}.",
        try_next=f"delete it and run {remedy}",
    )
