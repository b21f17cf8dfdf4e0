"""Open and close the database of one data folder."""

import logging
import os
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import sessionmaker

from app.domain.run import RunState
from app.instance import InstanceLock, is_held
from app.paths import DataPaths, refuse_links
from app.persistence import backup, migrate
from app.persistence.backup import break_seal, put_seal
from app.persistence.engine import empty_engine, reading_engine, writing_engine
from app.persistence.errors import StoreUnusable, translated_errors
from app.persistence.repositories import Connection, Repositories
from app.persistence.revisions import HEAD, revision_of
from app.persistence.tables import Base, JobRow, RunRow, StepRow
from workers.contracts.translation import _, ngettext

log = logging.getLogger(__name__)
UNFINISHED = ("queued", "running")


class Store:
    """The open database of a data folder, owned by the window or the command.

    `notices` are sentences for the person, `interrupted_runs` the runs that a killed program left.
    """

    def __init__(
        self, paths: DataPaths, engine: Engine, lock: InstanceLock | None, read_only: bool, notices: tuple[str, ...]
    ) -> None:
        """Create the store on an open `engine`; it releases `lock` when it is closed."""
        self.paths, self.read_only, self.notices = paths, read_only, notices
        self._engine, self._lock = engine, lock
        make_session = sessionmaker(engine, expire_on_commit=False)
        is_abandoned = (lambda: not is_held(paths)) if read_only else (lambda: False)
        self._connection = Connection(make_session, paths.database, is_abandoned)
        self.repositories = Repositories(self._connection)
        self.interrupted_runs: tuple[str, ...] = () if read_only else _mark_interrupted(self._connection)

    def close(self) -> None:
        """Move all commits into the file, seal it, make the daily copy, and release the folder; never raises."""
        self._engine.dispose()
        try:
            if not self.read_only:
                put_seal(self.paths.database)
                if backup.is_due(self.paths.backups):
                    backup.make_backup(self.paths.database, self.paths.backups)
        except (OSError, StoreUnusable) as error:
            log.info("the database was closed without its seal or its copy of the day: %s", error)
        finally:
            if self._lock is not None:
                self._lock.release()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close the store."""
        self.close()


def open_store(
    data: DataPaths | Path, *, read_only: bool = False, lock: InstanceLock | None = None, title: str = "Fettle"
) -> Store:
    """Open the database below `data`; for writing, create it or bring its tables up to date first.

    Reading takes no lock.

    Args:
        data: The data folder.
        read_only: Whether to open it for reading only.
        lock: The caller's own lock on the folder, which the caller keeps; None takes a lock for the store.
        title: Name of the command that a lock of the store shows.

    Raises:
        DataFolderBusy: Another program holds the folder.
        DataFolderUnusable: The folder cannot be used.
        StoreUnusable: The database cannot be used.
    """
    paths = data if isinstance(data, DataPaths) else DataPaths(data.absolute())
    if read_only:
        return _open_for_reading(paths, title)
    own_lock = InstanceLock.take(paths, "command", title) if lock is None else None
    try:
        notices = _make_ready(paths)
        engine = writing_engine(paths.database)
        try:
            with translated_errors(paths.database):
                return Store(paths, engine, own_lock, False, notices)
        except BaseException:
            engine.dispose()
            raise
    except BaseException:
        if own_lock is not None:
            own_lock.release()
        raise


def _open_for_reading(paths: DataPaths, title: str) -> Store:
    refuse_links(paths)
    if not os.path.lexists(paths.database):
        engine = empty_engine()
        Base.metadata.create_all(engine)
        return Store(paths, engine, None, True, ())
    notices: tuple[str, ...] = ()
    if revision_of(paths.database) != HEAD:
        with open_store(paths, title=title) as brought_up:  # bring the tables up to date if no program holds the folder
            notices = brought_up.notices
    return Store(paths, reading_engine(paths.database), None, True, notices)


def _make_ready(paths: DataPaths) -> tuple[str, ...]:
    database = paths.database
    if not os.path.lexists(database):
        migrate.create(database)
        lost = backup.newest_intact(paths.backups)
        return (
            (_("The database was gone, so a new one was begun. A copy of the old one is {0}.").format(lost.path),)
            if lost
            else ()
        )
    revision = revision_of(database)
    notices = [break_seal(database)]
    if revision != HEAD:
        kept = migrate.upgrade(database, revision, paths.backups)
        log.info("tables brought from %s to %s; copy of the old ones: %s", revision, HEAD, kept.path)
        notices.append(_aside_notice(migrate.set_aside(database), kept.path))
    return tuple(filter(None, notices))


def _aside_notice(names: tuple[str, ...], copy: Path) -> str:
    """Return a sentence about records that could not be carried over, or ""."""
    if not names:
        return ""
    log.warning("records that could not be carried over: %s", ", ".join(names))
    report = ", ".join(names[:3])
    return ngettext(
        "{0} record of an older version of Fettle could not be read and was set aside ({1}); all others are there. A "
        "copy of the database as it was is {2}.",
        "{0} records of an older version of Fettle could not be read and were set aside ({1}); all others are there. A "
        "copy of the database as it was is {2}.",
        len(names),
    ).format(len(names), _("{0} and others").format(report) if len(names) > 3 else report, copy)


def _mark_interrupted(connection: Connection) -> tuple[str, ...]:
    with connection.transaction() as session:
        runs = tuple(session.scalars(select(RunRow.id).where(RunRow.state.in_(UNFINISHED))))
        jobs = session.scalars(select(JobRow.id).where(JobRow.state.in_(UNFINISHED)).limit(1)).all()
        if runs:
            session.execute(update(RunRow).where(RunRow.id.in_(runs)).values(state=RunState.INTERRUPTED.value))
            steps = update(StepRow).where(StepRow.run_id.in_(runs), StepRow.state.in_(("running", "waiting")))
            session.execute(steps.values(state="skipped"))
        if jobs:
            session.execute(update(JobRow).where(JobRow.state.in_(UNFINISHED)).values(state="interrupted"))
    return runs
