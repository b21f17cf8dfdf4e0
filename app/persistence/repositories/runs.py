"""Runs and their steps."""

import builtins

from sqlalchemy import select

from app.domain.run import Run, RunState, StepRecord
from app.persistence.repositories.base import Connection, Repository
from app.persistence.rows import RowMap, RunMap
from app.persistence.tables import RunRow, StepRow


class Runs(Repository[Run, RunRow]):
    """Deleting one deletes its steps, variants and latencies."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, RunRow, RunRow.id, RunMap())
        self._step_rows: RowMap[StepRecord, StepRow] = RowMap(StepRecord)

    def list(
        self, project_id: str | None = None, state: RunState | None = None, limit: int | None = None
    ) -> builtins.list[Run]:
        """Newest first."""
        query = self._all().order_by(RunRow.created_at.desc(), RunRow.id).limit(limit)
        if project_id is not None:
            query = query.where(RunRow.project_id == project_id)
        if state is not None:
            query = query.where(RunRow.state == state.value)
        return self._find(query)

    def put_step(self, step: StepRecord) -> None:
        """Add a step, or replace the one of the same run and index."""
        with self._connection.transaction() as session:
            session.merge(StepRow(**self._step_rows.values(step)))

    def steps(self, run_id: str) -> builtins.list[StepRecord]:
        """In their order."""
        query = select(StepRow).where(StepRow.run_id == run_id).order_by(StepRow.index)
        with self._connection.transaction() as session:
            return [self._step_rows.record(row) for row in session.scalars(query)]
