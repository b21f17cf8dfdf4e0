"""Looks at test items; one row for each, its items packed."""

import json

from sqlalchemy import select

from app.domain.proof.looks import Look
from app.persistence.repositories.base import Connection
from app.persistence.tables import LookRow


class Looks:
    """Kept for good: they belong to a model, not to a run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_model(self, model_sha256: str) -> list[Look]:
        """All looks of one model's versions, in their order."""
        query = select(LookRow).where(LookRow.model_sha256 == model_sha256).order_by(LookRow.id)
        with self._connection.transaction() as session:
            return [_look(row) for row in session.scalars(query)]

    def put(self, look: Look) -> None:
        """Keep it; one of the same run, number and items takes the place of what it was before."""
        items = _packed(look.items)
        query = select(LookRow).where(
            LookRow.model_sha256 == look.model_sha256,
            LookRow.run_id == look.run_id,
            LookRow.number == look.number,
            LookRow.items == items,
        )
        with self._connection.transaction() as session:
            row = session.scalars(query).first() or LookRow(
                model_sha256=look.model_sha256, run_id=look.run_id, number=look.number, items=items, at=look.at
            )
            row.versions_json, row.is_open = json.dumps(look.versions), look.is_open
            session.add(row)


def _packed(items: frozenset[int]) -> bytes:
    """64 bits each, little-endian, in their order."""
    return b"".join(item.to_bytes(8, "little") for item in sorted(items))


def _look(row: LookRow) -> Look:
    items = frozenset(int.from_bytes(row.items[at : at + 8], "little") for at in range(0, len(row.items), 8))
    versions = tuple(json.loads(row.versions_json))
    return Look(row.model_sha256, row.run_id, row.number, versions, items, row.is_open, row.at)
