"""Store typed values of projects, runs and versions, one row each, deleted with their owner."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select

from app.domain.record import Owner, RecordKind, T
from app.persistence.repositories.base import Connection
from app.persistence.tables import ProjectRecordRow, RecordRow, RunRecordRow, SetAsideRow, VariantRecordRow
from workers.contracts.text import WHOLE

log = logging.getLogger(__name__)

TABLES: dict[Owner, type[RecordRow]] = {
    Owner.PROJECT: ProjectRecordRow,
    Owner.RUN: RunRecordRow,
    Owner.VARIANT: VariantRecordRow,
}


class Records:
    """The reader and writer of all kinds of records.

    An unreadable record (damaged, or from a later program version) counts as missing. That is logged once, and its
    bytes are set aside before another record replaces it.
    """

    def __init__(self, connection: Connection) -> None:
        """Create access to the records on `connection`."""
        self._connection = connection
        self._reported: set[tuple[str, str, str]] = set()

    def get(self, kind: RecordKind[T], owner_id: str, item: str = "") -> T | None:
        """Return the record, None if there is none."""
        with self._connection.transaction() as session:
            row = session.get(TABLES[kind.owner], (owner_id, kind.name, item))
            return None if row is None else self._value(kind, row)

    def by_owner(
        self, kind: RecordKind[T], owner_ids: Iterable[str] | None = None, limit: int | None = None
    ) -> dict[str, T]:
        """Return owners with their record, last written first, for kinds without items; of all owners or of these."""
        table = TABLES[kind.owner]
        query = select(table).where(table.kind == kind.name, table.item == "").order_by(table.written_at.desc())
        if owner_ids is not None:
            query = query.where(table.owner_id.in_(list(owner_ids)))
        with self._connection.transaction() as session:
            records = {row.owner_id: self._value(kind, row) for row in session.scalars(query.limit(limit))}
        return {owner_id: value for owner_id, value in records.items() if value is not None}

    def items(self, kind: RecordKind[T], owner_id: str) -> dict[str, T]:
        """Return the items of one owner with their records, sorted by item."""
        table = TABLES[kind.owner]
        query = select(table).where(table.kind == kind.name, table.owner_id == owner_id).order_by(table.item)
        with self._connection.transaction() as session:
            records = {row.item: self._value(kind, row) for row in session.scalars(query)}
        return {item: value for item, value in records.items() if value is not None}

    def put(self, kind: RecordKind[T], owner_id: str, value: T, item: str = "") -> None:
        """Store a record in place of the earlier one; raise IntegrityError if its owner is missing."""
        body = json.dumps(value.model_dump(mode="json", context=WHOLE))
        now, table = datetime.now(UTC), TABLES[kind.owner]
        with self._connection.transaction() as session:
            before = session.get(table, (owner_id, kind.name, item))
            if before is not None and self._value(kind, before) is None:
                name, old = f"{kind.name}:{owner_id}", before.body_json.encode("utf-8", "surrogatepass")
                reason = "it could not be read when it was replaced"
                session.add(SetAsideRow(name=name, owner_id=owner_id, body=old, reason=reason, at=now))
            session.merge(table(owner_id=owner_id, kind=kind.name, item=item, written_at=now, body_json=body))

    def delete(self, kind: RecordKind[T], owner_id: str, item: str = "") -> None:
        """Delete a record; a missing one is ignored."""
        table = TABLES[kind.owner]
        with self._connection.transaction() as session:
            session.execute(
                delete(table).where(table.owner_id == owner_id, table.kind == kind.name, table.item == item)
            )

    def forget_aside(self, owner_ids: Iterable[str]) -> None:
        """Delete what was set aside for these owners, which nobody needs once they are deleted."""
        with self._connection.transaction() as session:
            session.execute(delete(SetAsideRow).where(SetAsideRow.owner_id.in_(list(owner_ids))))

    def _value(self, kind: RecordKind[T], row: RecordRow) -> T | None:
        try:
            return kind.shape.model_validate(json.loads(row.body_json))
        except (ValueError, RecursionError) as error:
            place = (kind.name, row.owner_id, row.item)
            if place not in self._reported:
                self._reported.add(place)
                report = (kind.name, kind.owner, row.owner_id, str(error).partition("\n")[0])
                log.warning("the record “%s” of the %s %s cannot be read and counts as not there: %s", *report)
            return None
