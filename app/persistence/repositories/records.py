"""What is kept beside projects, runs and versions: typed values, one row for each, deleted with what they belong to."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select

from app.domain.record import Owner, RecordKind, T
from app.persistence.repositories.base import Connection
from app.persistence.tables import ProjectRecordRow, RecordRow, RunRecordRow, SetAsideRow, VariantRecordRow

log = logging.getLogger(__name__)

TABLES: dict[Owner, type[RecordRow]] = {
    Owner.PROJECT: ProjectRecordRow,
    Owner.RUN: RunRecordRow,
    Owner.VARIANT: VariantRecordRow,
}


class Records:
    """The one reader and writer of all kinds. A record that cannot be read (damaged, or of a later version of the
    program) counts as not there: that is logged once, and its bytes are set aside before another takes its place.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._told: set[tuple[str, str, str]] = set()

    def get(self, kind: RecordKind[T], owner_id: str, item: str = "") -> T | None:
        """The record, None where there is none."""
        with self._connection.transaction() as session:
            row = session.get(TABLES[kind.owner], (owner_id, kind.name, item))
            return None if row is None else self._value(kind, row)

    def by_owner(
        self, kind: RecordKind[T], owner_ids: Iterable[str] | None = None, limit: int | None = None
    ) -> dict[str, T]:
        """Owner → record for kinds without items, written last first; of all owners, or of these."""
        table = TABLES[kind.owner]
        query = select(table).where(table.kind == kind.name, table.item == "").order_by(table.written_at.desc())
        if owner_ids is not None:
            query = query.where(table.owner_id.in_(list(owner_ids)))
        with self._connection.transaction() as session:
            found = {row.owner_id: self._value(kind, row) for row in session.scalars(query.limit(limit))}
        return {owner_id: value for owner_id, value in found.items() if value is not None}

    def items(self, kind: RecordKind[T], owner_id: str) -> dict[str, T]:
        """Item → record of one owner, in the order of their names."""
        table = TABLES[kind.owner]
        query = select(table).where(table.kind == kind.name, table.owner_id == owner_id).order_by(table.item)
        with self._connection.transaction() as session:
            found = {row.item: self._value(kind, row) for row in session.scalars(query)}
        return {item: value for item, value in found.items() if value is not None}

    def put(self, kind: RecordKind[T], owner_id: str, value: T, item: str = "") -> None:
        """Keep it in place of what was there. Raises IntegrityError where what it belongs to is not there."""
        body, now, table = json.dumps(value.model_dump(mode="json")), datetime.now(UTC), TABLES[kind.owner]
        with self._connection.transaction() as session:
            before = session.get(table, (owner_id, kind.name, item))
            if before is not None and self._value(kind, before) is None:
                name, old = f"{kind.name}:{owner_id}", before.body_json.encode("utf-8", "surrogatepass")
                reason = "it could not be read when it was replaced"
                session.add(SetAsideRow(name=name, owner_id=owner_id, body=old, reason=reason, at=now))
            session.merge(table(owner_id=owner_id, kind=kind.name, item=item, written_at=now, body_json=body))

    def delete(self, kind: RecordKind[T], owner_id: str, item: str = "") -> None:
        """Forget it; nothing happens if it is not there."""
        table = TABLES[kind.owner]
        with self._connection.transaction() as session:
            session.execute(
                delete(table).where(table.owner_id == owner_id, table.kind == kind.name, table.item == item)
            )

    def forget_aside(self, owner_ids: Iterable[str]) -> None:
        """What was set aside of these owners is of no use to anybody once they are gone."""
        with self._connection.transaction() as session:
            session.execute(delete(SetAsideRow).where(SetAsideRow.owner_id.in_(list(owner_ids))))

    def _value(self, kind: RecordKind[T], row: RecordRow) -> T | None:
        try:
            return kind.shape.model_validate(json.loads(row.body_json))
        except (ValueError, RecursionError) as error:
            place = (kind.name, row.owner_id, row.item)
            if place not in self._told:
                self._told.add(place)
                told = (kind.name, kind.owner, row.owner_id, str(error).partition("\n")[0])
                log.warning("the record “%s” of the %s %s cannot be read and counts as not there: %s", *told)
            return None
