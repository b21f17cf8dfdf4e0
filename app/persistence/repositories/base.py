"""Provide the common base of repositories: one short transaction per call, and errors in plain words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from app.domain.record import Stored
from app.persistence.documents import DocumentMap
from app.persistence.errors import translated_errors
from app.persistence.tables import DocumentRow

D = TypeVar("D", bound=Stored)
R = TypeVar("R", bound=DocumentRow)


class NotFound(KeyError):
    """There is no record of this id."""


@dataclass(frozen=True)
class Connection:
    """Sessions on the database at `path`, which errors name; owned by the store.

    For a read-only database, `is_abandoned` returns whether the program that would end running work is gone.
    """

    make_session: sessionmaker[Session]
    path: Path
    is_abandoned: Callable[[], bool] = lambda: False
    _joined: list[Session] = field(default_factory=list, init=False, repr=False, compare=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction that is committed and synced at the end, and rolled back on an error.

        Inside `together` it is a part of that transaction. Raises `StoreUnusable`.
        """
        if self._joined:
            with translated_errors(self.path):
                yield self._joined[-1]
                self._joined[-1].flush()
            return
        with translated_errors(self.path), self.make_session.begin() as session:
            yield session

    @contextmanager
    def together(self) -> Iterator[None]:
        """Read and write everything inside as one transaction."""
        with self.transaction() as session:
            self._joined.append(session)
            try:
                yield
            finally:
                self._joined.pop()


class Repository(Generic[D, R]):
    """Records of one table, one document per row."""

    rows: DocumentMap[D, R]

    def __init__(self, connection: Connection) -> None:
        """Create access to the table on `connection`."""
        self._connection, self._table = connection, self.rows.table
        (self._key,) = self._table.__table__.primary_key

    def add(self, record: D) -> None:
        """Add a record; raise IntegrityError if its id is taken or its owner is missing."""
        with self._connection.transaction() as session:
            session.add(self._table(**self.rows.values(record)))

    def get(self, record_id: str) -> D:
        """Return one record; raises `NotFound`."""
        with self._connection.transaction() as session:
            row = session.get(self._table, record_id)
            if row is None:
                raise NotFound(record_id)
            return self._record(row)

    def update(self, record: D) -> None:
        """Replace the record of the same id; raises `NotFound`."""
        values = self.rows.values(record)
        record_id = values[self._key.name]
        with self._connection.transaction() as session:
            done = session.execute(update(self._table).where(self._key == record_id).values(**values))
            if _count(done) == 0:
                raise NotFound(record_id)

    def delete(self, record_id: str) -> None:
        """Delete a record and everything that belongs to it; a missing record is ignored."""
        with self._connection.transaction() as session:
            session.execute(delete(self._table).where(self._key == record_id))

    def _find(self, query: Select[R]) -> list[D]:
        with self._connection.transaction() as session:
            return [self._record(row) for row in session.scalars(query)]

    def _record(self, row: R) -> D:
        return self.rows.record(row)

    def _all(self) -> Select[R]:
        return select(self._table)


def _count(result: Any) -> int:
    return int(result.rowcount)
