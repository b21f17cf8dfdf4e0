"""Make checked copies of the database, and keep the hash of the closed database, which reveals each changed byte."""

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.files import move_synced, write_whole
from app.persistence.engine import connect_for_reading, has_unmoved_commits, write_ahead_log
from app.persistence.errors import FREE_SPACE, StoreUnusable, damaged, translated_errors
from workers.contracts.folder import sha256_file
from workers.contracts.translation import _, mark

KEPT = 5
TIME_FORMAT = "%Y%m%dT%H%M%S%fZ"
EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Backup:
    """One copy of the database and its time; its hash is in a second file in the form of sha256sum."""

    path: Path
    made_at: datetime

    @property
    def hash_file(self) -> Path:
        """Return the path of the file with the hash."""
        return self.path.with_name(self.path.name + ".sha256")

    def is_intact(self) -> bool:
        """Return whether the copy still has the bytes that were checked when it was made."""
        try:
            return self.hash_file.read_text(encoding="ascii").split()[0] == sha256_file(self.path)
        except (OSError, ValueError, IndexError):
            return False


def make_backup(database: Path, folder: Path, label: str = "") -> Backup:
    """Copy, check and hash the database, and keep five copies; after `StoreUnusable` nothing partial is left."""
    now = datetime.now(UTC)
    name = f"fettle-{now.strftime(TIME_FORMAT)}{'-' if label else ''}{label}.db"
    growing, backup = folder / f"{name}.part", Backup(folder / name, now)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        growing.touch(mode=0o600)
        with translated_errors(database):
            _copy(database, growing)
        digest = sha256_file(growing)
        move_synced(growing, backup.path)
        write_whole(backup.hash_file, f"{digest}  {name}\n".encode())
    except OSError as error:
        backup.path.unlink(missing_ok=True)
        raise _not_copied(database, folder, str(error.strerror)) from error
    except StoreUnusable as error:
        if error.code != "disk_full":
            raise
        raise _not_copied(database, folder, mark("the disk is full")) from error
    finally:
        for leftover in (growing, write_ahead_log(growing)):
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)
    for old in list_backups(folder)[KEPT:]:
        old.path.unlink(missing_ok=True)
        old.hash_file.unlink(missing_ok=True)
    return backup


def _not_copied(database: Path, folder: Path, reason: str) -> StoreUnusable:
    detail = _("The database {0} could not be copied to {1} ({2}). Nothing was changed.").format(
        database, folder, _(reason)
    )
    return StoreUnusable("backup_failed", folder, detail, FREE_SPACE)


def list_backups(folder: Path) -> list[Backup]:
    """Return all copies, newest first, intact or not."""
    backups = []
    for path in folder.glob("fettle-*.db"):
        with contextlib.suppress(ValueError, IndexError):
            made_at = datetime.strptime(path.stem.split("-")[1], TIME_FORMAT).replace(tzinfo=UTC)
            backups.append(Backup(path, made_at))
    return sorted(backups, key=lambda backup: backup.made_at, reverse=True)


def newest_intact(folder: Path) -> Backup | None:
    """Return the newest copy whose hash matches, None without one."""
    return next((backup for backup in list_backups(folder) if backup.is_intact()), None)


def is_due(folder: Path) -> bool:
    """Return whether the newest copy is older than a day, or from the future because the clock was set back."""
    newest = next(iter(list_backups(folder)), None)
    return newest is None or not timedelta(0) <= datetime.now(UTC) - newest.made_at < EVERY


def restore(backup: Backup, database: Path) -> Path | None:
    """Put a copy in the database's place and return where the old file was moved.

    The caller must hold the lock, with the database closed.

    Raises:
        StoreUnusable: The copy is damaged or cannot be written; the old file is then in its place.
    """
    if not backup.is_intact():
        detail = _("The copy {0} was changed since it was made, so it was not used.").format(backup.path)
        raise StoreUnusable("backup_damaged", backup.path, detail, "Use an older copy.")
    kept = database.with_name(f"{database.name}.{datetime.now(UTC).strftime(TIME_FORMAT)}.old")
    growing = database.with_name(database.name + ".new")
    try:
        growing.touch(mode=0o600)
        with translated_errors(backup.path):
            _copy(backup.path, growing)
        if database.exists():
            database.replace(kept)
        for end in ("-wal", "-shm"):
            companion = database.with_name(database.name + end)
            if companion.exists():
                companion.replace(kept.with_name(kept.name + end))
        move_synced(growing, database)
    except OSError as error:
        detail = _("The copy {0} could not be put in place ({1}).").format(backup.path, error.strerror)
        raise StoreUnusable("backup_failed", database, detail, FREE_SPACE) from error
    finally:
        with contextlib.suppress(OSError):
            growing.unlink(missing_ok=True)
    return kept if kept.exists() else None


def check_content(connection: sqlite3.Connection, path: Path) -> None:
    """Run SQLite's checks of pages, indexes and references; raise `StoreUnusable` if they find damage."""
    with translated_errors(path):
        for (finding,) in connection.execute("PRAGMA integrity_check(1)"):
            if finding != "ok":
                raise damaged(path, str(finding))
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise damaged(path, mark("a record refers to one that is not there"))


def _copy(source: Path, target: Path) -> None:
    with contextlib.closing(connect_for_reading(source)) as old:
        check_content(old, source)
        with contextlib.closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    with contextlib.closing(connect_for_reading(target, others_may_write=False)) as new:
        check_content(new, target)


CHANGED = mark(
    "The database was changed outside Fettle since it was last closed. It can be read, but figures in it may be wrong; "
    "a checked copy lies in the folder “backups”."
)


def seal_file(database: Path) -> Path:
    """Return the path of the file with the database's hash, in the form of sha256sum."""
    return database.with_name(database.name + ".sha256")


def break_seal(database: Path) -> str:
    """Check and remove the seal before the first change; return a notice for the person, or "".

    SQLite's checks run if the seal is missing (the program was killed) or wrong.

    Raises:
        StoreUnusable: The checks find damage.
    """
    seal = seal_file(database)
    try:
        words = seal.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        words = []
    untouched = bool(words) and not has_unmoved_commits(database) and words[0] == sha256_file(database)
    if not untouched:
        with translated_errors(database), contextlib.closing(connect_for_reading(database)) as connection:
            check_content(connection, database)
    seal.unlink(missing_ok=True)
    return CHANGED if words and not untouched else ""


def put_seal(database: Path) -> None:
    """Write the seal after the last connection is closed; raises OSError."""
    if not has_unmoved_commits(database):
        digest = sha256_file(database)
        write_whole(seal_file(database), f"{digest}  {database.name}\n".encode())
