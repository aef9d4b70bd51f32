"""JSON files that are whole or not there: written beside the target, synced, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from spike.core.errors import CorruptFileError, StorageError


def write(path: Path, document: Any) -> None:
    """Write ``document`` to ``path`` atomically, indented and with a final newline.

    Raises:
        StorageError: The disk is full or the folder cannot be written; ``path`` is as before.
    """
    write_text(path, json.dumps(document, indent=1, ensure_ascii=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically.

    Raises:
        StorageError: The disk is full or the folder cannot be written; ``path`` is as before.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=path.name + ".", suffix=".partial"
        )
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
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
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (ValueError, OSError) as error:
        raise CorruptFileError(
            f"{path} is damaged: {error}.", try_next=f"delete it and run {remedy}"
        ) from None
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema or isinstance(found, bool):
        raise _schema_error(path, found, schema, remedy)
    assert isinstance(document, dict)
    return document


def _schema_error(path: Path, found: object, known: int, remedy: str) -> CorruptFileError:
    if isinstance(found, int) and not isinstance(found, bool) and found > known:
        return CorruptFileError(
            f"{path} has schema {found}; this version reads schema {known}.",
            why="It was written by a newer version of this tool.",
            try_next=f"update this checkout, or delete the file and run {remedy}",
        )
    return CorruptFileError(
        f"{path} has schema {found!r}; this version reads schema {known}.",
        try_next=f"delete it and run {remedy}",
    )
