"""Every timed request, many at a time."""

from collections.abc import Iterable, Iterator

from sqlalchemy import func, insert, select

from app.domain.variant import LatencyPoint
from app.persistence.repositories.base import Connection
from app.persistence.tables import LatencyRow

PAGE = 10_000


class Latencies:
    """Points are read in the order in which they were kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_many(self, run_id: str, points: Iterable[LatencyPoint]) -> None:
        """Keep all or none, in one statement (100,000 take well under a second)."""
        rows = [
            {"run_id": run_id, "variant_id": point.variant_id, "at_s": point.at_s, "latency_ms": point.latency_ms}
            for point in points
        ]
        if rows:
            with self._connection.transaction() as session:
                session.execute(insert(LatencyRow), rows)

    def page(self, run_id: str, after: int = 0, limit: int = PAGE) -> tuple[list[LatencyPoint], int]:
        """Up to `limit` points after the number `after`, and the number to go on from (0: there are no more)."""
        query = (
            select(LatencyRow.number, LatencyRow.variant_id, LatencyRow.at_s, LatencyRow.latency_ms)
            .where(LatencyRow.run_id == run_id, LatencyRow.number > after)
            .order_by(LatencyRow.number)
            .limit(limit)
        )
        with self._connection.transaction() as session:
            rows = session.execute(query).all()
        points = [LatencyPoint(variant_id, at_s, latency_ms) for _, variant_id, at_s, latency_ms in rows]
        return points, (rows[-1][0] if len(rows) == limit else 0)

    def of_run(self, run_id: str) -> Iterator[LatencyPoint]:
        """All points of a run, page by page."""
        after = 0
        while True:
            points, after = self.page(run_id, after)
            yield from points
            if not after:
                return

    def last_s(self, run_id: str) -> float:
        """When the last one was timed, 0 where nothing was."""
        query = select(func.max(LatencyRow.at_s)).where(LatencyRow.run_id == run_id)
        with self._connection.transaction() as session:
            return session.scalar(query) or 0.0

    def count(self, run_id: str) -> int:
        """How many there are."""
        query = select(func.count()).select_from(LatencyRow).where(LatencyRow.run_id == run_id)
        with self._connection.transaction() as session:
            return session.scalar(query) or 0
