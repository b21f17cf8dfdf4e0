"""Open the SQLite file in WAL mode, with every commit synced and foreign keys checked."""

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

BUSY_TIMEOUT_S = 2.0
WRITING = ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF", "cell_size_check=ON")
READING = ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON")


def write_ahead_log(path: Path) -> Path:
    """Return the file that holds commits not yet moved into the database."""
    return path.with_name(path.name + "-wal")


def has_unmoved_commits(path: Path) -> bool:
    """Return whether a program that wrote the database is still open or was killed."""
    try:
        return write_ahead_log(path).stat().st_size > 0
    except OSError:
        return False


def connect_for_reading(path: Path, others_may_write: bool = True) -> sqlite3.Connection:
    """Return a connection that cannot change the file; raises sqlite3.Error.

    A database in WAL mode needs a writable folder even for reading, unless SQLite may assume that the file does not
    change.
    """
    unchanging = not has_unmoved_commits(path) and not (others_may_write and os.access(path.parent, os.W_OK))
    return _connect(path, "ro&immutable=1" if unchanging else "ro", READING)


def connect_for_writing(path: Path) -> sqlite3.Connection:
    """Return a bare connection to an existing file; raises sqlite3.Error."""
    return _connect(path, "rw", WRITING)


def writing_engine(path: Path) -> Engine:
    """Return an engine for the one program that holds the data folder; the file must exist."""
    return _engine(lambda: connect_for_writing(path))


def reading_engine(path: Path) -> Engine:
    """Return an engine that reads while another program may be writing."""
    return _engine(lambda: connect_for_reading(path))


def empty_engine() -> Engine:
    """Return an empty database in memory, for reading before anything is stored."""
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


def _connect(path: Path, mode: str, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    # without isolation_level None the module commits before each change of a table
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _engine(connect: Any) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
