"""A mapped class in SQLite, and a dialect that is loaded by name only."""

import signal
import sys
import time

NAME = "library-sqlalchemy"
VERSION = "1.0.0"


def use() -> str:
    """Create, insert, select; compile a statement for another database."""
    import sqlalchemy as sa
    from sqlalchemy import orm

    class Base(orm.DeclarativeBase):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
        title: orm.Mapped[str]

    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Note(title="tea"))
        session.commit()
        title = session.scalar(sa.select(Note.title))
    dialect = sa.make_url("oracle://").get_dialect()()
    statement = str(sa.select(Note).limit(1).compile(dialect=dialect))
    assert "FETCH FIRST" in statement or "ROWNUM" in statement
    return f"sqlalchemy={sa.__version__} title={title}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"BOOT sidecar={NAME} version={VERSION}", flush=True)
    print(f"USED {use()}", flush=True)
    print("READY", flush=True)
    while True:
        # Not signal.pause(): a signal that comes just before it would wait for the next one.
        time.sleep(0.2)
