"""Store variants with their measurements."""

import builtins
from collections.abc import Iterable

from sqlalchemy import select

from app.domain.variant import Variant
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Repository
from app.persistence.tables import VariantRow


class Variants(Repository[Variant, VariantRow]):
    """All variants; deleting one deletes its latencies and exports."""

    rows = DocumentMap(Variant, VariantRow)

    def list(self, run_id: str) -> builtins.list[Variant]:
        """Return the variants of one run in their planned order."""
        return self._find(self._all().where(VariantRow.run_id == run_id).order_by(VariantRow.index, VariantRow.id))

    def ids(self, run_id: str) -> builtins.list[str]:
        """Return the ids of one run's variants."""
        with self._connection.transaction() as session:
            return [*session.scalars(select(VariantRow.id).where(VariantRow.run_id == run_id))]

    def runtimes(self, run_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return the runtimes with which each of these runs measured a variant."""
        query = select(VariantRow.run_id, VariantRow.runtime).where(
            VariantRow.run_id.in_(run_ids), VariantRow.is_measured
        )
        found: dict[str, frozenset[str]] = {}
        with self._connection.transaction() as session:
            for run_id, runtime in session.execute(query.distinct()):
                found[run_id] = found.get(run_id, frozenset()) | {runtime}
        return found
