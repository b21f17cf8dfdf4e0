"""Store looks at test items, one row per look with packed items."""

from sqlalchemy import select

from app.domain.proof.looks import TestSetLook
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection
from app.persistence.tables import LookRow

LOOKS = DocumentMap(TestSetLook, LookRow)


class Looks:
    """Looks at test items; they are permanent, because they belong to a model and not to a run."""

    def __init__(self, connection: Connection) -> None:
        """Create access to the looks on `connection`."""
        self._connection = connection

    def of_model(self, model_sha256: str) -> list[TestSetLook]:
        """Return all looks at the versions of one model, in order."""
        query = select(LookRow).where(LookRow.model_sha256 == model_sha256).order_by(LookRow.id)
        with self._connection.transaction() as session:
            return [LOOKS.record(row) for row in session.scalars(query)]

    def put(self, look: TestSetLook) -> None:
        """Store a look in place of one with the same run, number and items."""
        query = select(LookRow.id).where(
            LookRow.model_sha256 == look.model_sha256,
            LookRow.run_id == look.run_id,
            LookRow.number == look.number,
            LookRow.items == look.items,
        )
        with self._connection.transaction() as session:
            session.merge(LookRow(id=session.scalar(query), **LOOKS.values(look)))
