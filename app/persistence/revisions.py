"""Find the version of a file's tables without SQLAlchemy or Alembic, which keeps opening fast."""

import sqlite3
from pathlib import Path

from app.persistence.engine import connect_for_reading, write_ahead_log
from app.persistence.errors import RESTORE, StoreUnusable, damaged, newer, translated_errors
from workers.contracts.translation import _, mark

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision in `migrations/versions`, oldest first; a test compares both."""

HEAD = KNOWN[-1]
MAGIC = b"SQLite format 3\0"


def revision_of(path: Path) -> str:
    """Return the revision of the database at `path`, one of `KNOWN`, without writing any file.

    Raises:
        StoreUnusable: The file is empty, damaged, locked, from a newer program, or not Fettle's.
    """
    _check_beginning(path)
    with translated_errors(path):
        # without a writer's log SQLite may assume an unchanging file, and then creates no further files
        connection = connect_for_reading(path, others_may_write=write_ahead_log(path).exists())
        try:
            revision = _read_revision(connection, path)
        except UnicodeDecodeError as error:
            raise damaged(path, mark("the names of its tables are no text")) from error
        finally:
            connection.close()
    if revision not in KNOWN:
        raise newer(path, _("its tables are “{0}”").format(revision))
    return revision


def _check_beginning(path: Path) -> None:
    try:
        with path.open("rb") as file:
            beginning = file.read(len(MAGIC))
    except OSError as error:
        detail = _("The database {0} cannot be opened ({1}).").format(path, error.strerror)
        hint = mark("Give this account the right to read it.")
        raise StoreUnusable("database_unreadable", path, detail, hint) from error
    if not beginning:
        raise StoreUnusable(
            "database_empty", path, _("The database {0} is empty: its content was lost.").format(path), RESTORE
        )
    if beginning != MAGIC:
        raise damaged(path, mark("it does not begin as a database does"))


def _read_revision(connection: sqlite3.Connection, path: Path) -> str:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        raise StoreUnusable("database_empty", path, _("The database {0} holds no tables.").format(path), RESTORE)
    rows = (
        connection.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in tables else []
    )
    if "runs" not in tables or len(rows) != 1:
        detail = _("{0} is a database, but not one of Fettle's. It was not touched.").format(path)
        hint = mark("Move it away.")
        raise StoreUnusable("database_foreign", path, detail, hint)
    return str(rows[0][0])
