"""Bookmarks over HTTP: Flask, SQLAlchemy and SQLite."""

from __future__ import annotations

from http import HTTPStatus

import sidecar_contract as sidecar
from flask import Flask, request
from platformdirs import user_data_path
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

NAME = "service-flask"
VERSION = "0.1.0"


class Base(DeclarativeBase):
    """What every table has in common."""


class Tag(Base):
    """A word that bookmarks are found by."""

    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    bookmark_id: Mapped[int] = mapped_column(ForeignKey("bookmark.id"))


class Bookmark(Base):
    """A page that somebody wants to find again."""

    __tablename__ = "bookmark"
    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(400), unique=True)
    tags: Mapped[list[Tag]] = relationship(cascade="all, delete-orphan")

    def as_json(self) -> dict[str, object]:
        """Itself, as the page gets it."""
        return {"id": self.id, "url": self.url, "tags": sorted(tag.name for tag in self.tags)}


app = Flask(__name__)
database = user_data_path(NAME, ensure_exists=True) / "bookmarks.sqlite"
engine = create_engine(f"sqlite:///{database}")


@app.errorhandler(HTTPException)
def refuse(error: HTTPException) -> tuple[dict[str, object], int]:
    """Say in JSON what is wrong."""
    return {"error": error.description}, error.code or HTTPStatus.INTERNAL_SERVER_ERROR


@app.get("/health")
def health() -> dict[str, str]:
    """Tell the host that all is well."""
    return {"status": "ok", "service": NAME, "version": VERSION}


@app.post("/bookmarks")
def add() -> tuple[dict[str, object], int]:
    """Keep a page."""
    told = request.get_json()
    with Session(engine) as session:
        tags = [Tag(name=str(name)) for name in told.get("tags", [])]
        bookmark = Bookmark(url=str(told["url"]), tags=tags)
        session.add(bookmark)
        session.commit()
        return bookmark.as_json(), HTTPStatus.CREATED


@app.get("/bookmarks")
def find() -> list[dict[str, object]]:
    """Every page with a tag."""
    wanted = select(Bookmark).join(Bookmark.tags).where(Tag.name == request.args.get("tag", ""))
    with Session(engine) as session:
        return [bookmark.as_json() for bookmark in session.scalars(wanted.order_by(Bookmark.id))]


@app.delete("/bookmarks/<int:number>")
def remove(number: int) -> tuple[str, int]:
    """Forget a page."""
    with Session(engine) as session:
        session.delete(session.get_one(Bookmark, number))
        session.commit()
    return "", HTTPStatus.NO_CONTENT


def main() -> None:
    """Serve until the host says stop, or is gone."""
    sidecar.begin()
    Base.metadata.create_all(engine)
    server = make_server("127.0.0.1", sidecar.port, app, threaded=True)
    sidecar.on_stop(server.shutdown)
    sidecar.ready(server.server_port)
    server.serve_forever()
    server.server_close()
    engine.dispose()
    sidecar.wait()


if __name__ == "__main__":
    main()
