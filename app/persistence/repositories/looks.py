"""Looks at test items; one row for each, its items packed."""

from sqlalchemy import select

from app.domain.proof.looks import Look
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection
from app.persistence.tables import LookRow

LOOKS = DocumentMap(Look, LookRow)


class Looks:
    """Kept for good: they belong to a model, not to a run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_model(self, model_sha256: str) -> list[Look]:
        """All looks of one model's versions, in their order."""
        query = select(LookRow).where(LookRow.model_sha256 == model_sha256).order_by(LookRow.id)
        with self._connection.transaction() as session:
            return [LOOKS.record(row) for row in session.scalars(query)]

    def put(self, look: Look) -> None:
        """Keep it; one of the same run, number and items takes the place of what it was before."""
        query = select(LookRow.id).where(
            LookRow.model_sha256 == look.model_sha256,
            LookRow.run_id == look.run_id,
            LookRow.number == look.number,
            LookRow.items == look.items,
        )
        with self._connection.transaction() as session:
            session.merge(LookRow(id=session.scalar(query), **LOOKS.values(look)))
