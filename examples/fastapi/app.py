"""The routes. They know nothing of sockets, signals or packaging."""

from __future__ import annotations

import sqlite3

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from store import Store


class NoteIn(BaseModel):
    """What a client sends."""

    title: str = Field(min_length=1, max_length=200)
    body: str = ""


class Note(NoteIn):
    """What a client gets back."""

    id: int
    created: str


class Health(BaseModel):
    """The answer of the health route; the host's window shows it."""

    status: str
    version: str
    notes: int
    sqlite: str


def create_app(*, store: Store, version: str) -> FastAPI:
    """Build the application around an open store."""
    app = FastAPI(title="Notes", version=version)

    @app.get("/health")
    def health() -> Health:
        return Health(
            status="ok", version=version, notes=store.count(), sqlite=sqlite3.sqlite_version
        )

    @app.post("/notes", status_code=201)
    def add(note: NoteIn) -> Note:
        return Note.model_validate(store.add(title=note.title, body=note.body))

    @app.get("/notes/{note_id}")
    def get(note_id: int) -> Note:
        if (row := store.get(note_id)) is None:
            raise HTTPException(404, f"no note has the id {note_id}")
        return Note.model_validate(row)

    @app.delete("/notes/{note_id}", status_code=204)
    def delete(note_id: int) -> None:
        if not store.delete(note_id):
            raise HTTPException(404, f"no note has the id {note_id}")

    return app
