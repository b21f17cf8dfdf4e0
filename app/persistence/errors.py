"""Explain database errors in plain words.

The codes of `StoreUnusable` (exit code 6) are database_newer, database_foreign, database_empty, database_damaged,
database_locked, disk_full, database_read_only, database_unreadable, database_older, migration_failed and backup_failed.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app.paths import OTHER_FOLDER
from workers.contracts.errors import BackendMissing
from workers.contracts.process.disk import SAFE, DiskFull, is_full
from workers.contracts.translation import _, joined, mark

FREE_SPACE = mark("Free disk space in the settings and try again.")
RESTORE = mark(
    "Fettle keeps checked copies in the folder “backups” beside it: close Fettle, move fettle.db away and put the "
    "newest copy in its place."
)


class StoreUnusable(BackendMissing):
    """The database at `path` cannot be used; it is unchanged unless `detail` names a change."""

    def __init__(self, code: str, path: Path, detail: str, hint: str) -> None:
        """Create the error with its code, the database's path, and texts for the person."""
        super().__init__(code, mark("Fettle cannot use its database"), detail, hint, by_command=OTHER_FOLDER)
        self.path = path


class UnreadableRecord(ValueError):
    """A row of `table` does not hold a record; `is_newer` if it has a field that this program lacks."""

    def __init__(self, table: str, is_newer: bool = False) -> None:
        """Create the error for a row of `table`."""
        super().__init__(_("a record of “{0}” cannot be read").format(table))
        self.is_newer = is_newer


def newer(path: Path, reason: str) -> StoreUnusable:
    """Return the error of a database that a newer version of Fettle wrote."""
    detail = _("{0} was written by a newer version of Fettle ({1}). It was not touched.").format(path, _(reason))
    return StoreUnusable("database_newer", path, detail, "Install the newer version again.")


def damaged(path: Path, reason: str) -> StoreUnusable:
    """Return the error of a file that differs from what SQLite wrote."""
    return StoreUnusable(
        "database_damaged", path, _("The database {0} is damaged ({1}).").format(path, _(reason)), RESTORE
    )


def in_words(error: sqlite3.Error, path: Path) -> StoreUnusable | None:
    """Return an SQLite error as `StoreUnusable`, None for bugs of the program (a constraint, wrong SQL)."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "Could not decode" in str(error):
        return damaged(path, str(error))
    # without room for its log SQLite reports only a failed write
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and is_full(path.parent)):
        full = DiskFull(path, safe=joined([_("So the last step could not be recorded."), _(SAFE)]))
        return StoreUnusable(full.code, path, full.detail, FREE_SPACE)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        detail = _("Another program has locked the database {0}. Nothing was changed.").format(path)
        return StoreUnusable("database_locked", path, detail, "Close that program and try again.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        detail = _("The database {0} may only be read, so nothing can be recorded.").format(path)
        return StoreUnusable("database_read_only", path, detail, "Give the right to write there.")
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_TOOBIG):
        detail = _("The database {0} could not be read or written ({1}). What was stored before is safe.").format(
            path, error
        )
        return StoreUnusable("database_unreadable", path, detail, "Check the disk and its rights.")
    return None


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite, bare or wrapped by SQLAlchemy, and unreadable records into `StoreUnusable`."""
    try:
        yield
    except UnreadableRecord as error:
        raise (newer if error.is_newer else damaged)(path, error.args[0]) from error
    except DBAPIError as error:
        words = in_words(error.orig, path) if isinstance(error.orig, sqlite3.Error) else None
        if words is None:
            raise
        raise words from error
    except sqlite3.Error as error:
        words = in_words(error, path)
        if words is None:
            raise
        raise words from error
