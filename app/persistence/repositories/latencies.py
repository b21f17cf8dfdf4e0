"""Store every timed request, many at a time, and every look at test items with the items packed."""

from collections.abc import Iterable, Iterator

from sqlalchemy import and_, func, select

from app.domain.proof.looks import TestSetLook
from app.domain.variant import LatencyPoint
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection
from app.persistence.tables import LatencyRow, LookRow

PAGE = 10_000
ADD = "INSERT INTO latencies (run_id, variant_id, at_s, latency_ms) VALUES (?, ?, ?, ?)"
"""Statement of the driver: SQLAlchemy's own work on each row took 60 percent of the time."""
IS_FIGURE = and_(*(one.between(-1e12, 1e12) for one in (LatencyRow.at_s, LatencyRow.latency_ms)))
"""A condition that text, bytes and infinity in a damaged database do not meet."""


class Latencies:
    """Timed requests of runs, which are read in the order of their storage."""

    def __init__(self, connection: Connection) -> None:
        """Create access to the requests on `connection`."""
        self._connection = connection

    def add_many(self, run_id: str, points: Iterable[LatencyPoint]) -> None:
        """Store all points or none, in one statement (100,000 take well under a second)."""
        rows = [(run_id, point.variant_id, point.at_s, point.latency_ms) for point in points]
        if rows:
            with self._connection.transaction() as session:
                session.connection().exec_driver_sql(ADD, rows)

    def page(self, run_id: str, after: int = 0, limit: int = PAGE) -> tuple[list[LatencyPoint], int]:
        """Return up to `limit` points after number `after`, and the number to continue from (0: no more points)."""
        query = (
            select(LatencyRow.number, LatencyRow.variant_id, LatencyRow.at_s, LatencyRow.latency_ms)
            .where(LatencyRow.run_id == run_id, LatencyRow.number > after, IS_FIGURE)
            .order_by(LatencyRow.number)
            .limit(limit)
        )
        with self._connection.transaction() as session:
            rows = session.execute(query).all()
        points = [LatencyPoint(variant_id, at_s, latency_ms) for _, variant_id, at_s, latency_ms in rows]
        return points, (rows[-1][0] if len(rows) == limit else 0)

    def of_run(self, run_id: str) -> Iterator[LatencyPoint]:
        """Yield all points of a run, page by page."""
        after = 0
        while True:
            points, after = self.page(run_id, after)
            yield from points
            if not after:
                return

    def last_s(self, run_id: str) -> float:
        """Return the time of the last point in seconds since the run's start, 0 without points."""
        query = select(func.max(LatencyRow.at_s)).where(LatencyRow.run_id == run_id, IS_FIGURE)
        with self._connection.transaction() as session:
            return session.scalar(query) or 0.0


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
