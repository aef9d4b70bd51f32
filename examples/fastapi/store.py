"""Notes in one SQLite file in the user's data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Beside this module, in the source tree as in a frozen program: never the working directory.
SCHEMA = Path(__file__).resolve().parent / "data" / "schema.sql"


class Store:
    """The notes table; one short connection a call, so that any thread may call.

    Args:
        path: The database file; its folder is made when it is missing.

    Raises:
        FileNotFoundError: ``data/schema.sql`` did not ship with the program.
        sqlite3.Error: The file is not a database or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connect() as connection:
            connection.executescript(SCHEMA.read_text(encoding="utf-8"))

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=5.0)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def add(self, *, title: str, body: str) -> dict[str, object]:
        """Insert a note and return it as stored."""
        with self._connect() as connection:
            row = connection.execute(
                "INSERT INTO note (title, body) VALUES (?, ?) RETURNING *", (title, body)
            ).fetchone()
            return dict(row)

    def get(self, note_id: int) -> dict[str, object] | None:
        """Return one note, or None when there is no such id."""
        with self._connect() as connection:
            row = connection.execute("SELECT * FROM note WHERE id = ?", (note_id,)).fetchone()
            return dict(row) if row else None

    def delete(self, note_id: int) -> bool:
        """Delete one note; False when there is no such id."""
        with self._connect() as connection:
            return connection.execute("DELETE FROM note WHERE id = ?", (note_id,)).rowcount == 1

    def count(self) -> int:
        """Return how many notes are stored."""
        with self._connect() as connection:
            return int(connection.execute("SELECT count(*) FROM note").fetchone()[0])
