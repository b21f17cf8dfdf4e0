"""Bring the tables up to date with Alembic, which is imported only here and only if needed."""

import contextlib
from pathlib import Path

from app.files import move_synced
from app.persistence.backup import Backup, make_backup
from app.persistence.engine import (
    connect_for_reading,
    connect_for_writing,
    has_unmoved_commits,
    write_ahead_log,
    writing_engine,
)
from app.persistence.errors import RESTORE, StoreUnusable, translated_errors
from app.persistence.revisions import HEAD
from app.persistence.tables import Base
from workers.contracts.translation import _, joined, mark

SCRIPTS = Path(__file__).parent / "migrations"
MARK_AS_HEAD = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY)",
    f"INSERT INTO alembic_version VALUES ('{HEAD}')",
)
"""Statements that create what Alembic leaves in an up-to-date database."""


def create(path: Path) -> None:
    """Create a new database at `path`, where it appears only when complete; raises `StoreUnusable`."""
    growing = path.with_name(path.name + ".new")
    for leftover in (growing, *_companions(growing), *_companions(path)):
        leftover.unlink(missing_ok=True)
    with translated_errors(path):
        try:
            growing.touch(mode=0o600)
            _make_tables(growing)
            _move_commits(growing)
            move_synced(growing, path)
        except OSError as error:
            detail = _("The database {0} cannot be made ({1}).").format(path, error.strerror)
            hint = mark("Free some space or check the disk's rights.")
            raise StoreUnusable("database_unreadable", path, detail, hint) from error
        finally:
            for leftover in (growing, *_companions(growing)):
                leftover.unlink(missing_ok=True)


def upgrade(path: Path, old: str, backups: Path) -> Backup:
    """Back the database up, then change its tables in one transaction; return the backup.

    Raises:
        StoreUnusable: The upgrade failed; the database is unchanged.
    """
    backup = make_backup(path, backups, label=old)
    try:
        with translated_errors(path):
            _run(path, HEAD)
    except StoreUnusable:
        raise
    except Exception as error:
        detail = _("The tables of {0} could not be brought from version {1} to {2} ({3}). They are as before.").format(
            path, old, HEAD, error
        )
        hint = joined([_("Please report this; a checked copy was made before: {0}.").format(backup.path), _(RESTORE)])
        raise StoreUnusable("migration_failed", path, detail, hint) from error
    return backup


def set_aside(path: Path) -> tuple[str, ...]:
    """Return the names of records that could not be carried over into the newest tables."""
    with translated_errors(path), contextlib.closing(connect_for_reading(path)) as connection:
        return tuple(str(name) for (name,) in connection.execute("SELECT name FROM records_set_aside ORDER BY number"))


def _make_tables(path: Path) -> None:
    """Make the newest tables directly, because importing Alembic takes longer than all of this."""
    engine = writing_engine(path)
    try:
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            for statement in MARK_AS_HEAD:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def _run(path: Path, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = writing_engine(path)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _move_commits(path: Path) -> None:
    """Move commits into the file itself, since only that file is moved.

    Raises sqlite3.Error if there is no room for them; closing tries the same but hides a failure.
    """
    if has_unmoved_commits(path):
        with contextlib.closing(connect_for_writing(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _companions(path: Path) -> tuple[Path, Path]:
    """Return the files with commits of a former database, which a new one must not inherit."""
    return write_ahead_log(path), path.with_name(path.name + "-shm")
