"""Store the history of jobs and of exported bundles."""

import builtins
from dataclasses import replace

from sqlalchemy import tuple_

from app.domain.job import ExportRecord, JobRecord
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Repository
from app.persistence.tables import ExportRow, JobRow

PAGE = 200
UNDER_WAY = ("queued", "running")


class Jobs(Repository[JobRecord, JobRow]):
    """History of jobs, which outlive their run; jobs that a killed program left count as interrupted, like runs."""

    rows = DocumentMap(JobRecord, JobRow)

    def list(
        self, before: JobRecord | None = None, limit: int = PAGE, run_id: str | None = None, state: str | None = None
    ) -> builtins.list[JobRecord]:
        """Return a page of jobs, newest first; `before` is the last job of the previous page."""
        query = self._all().order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tuple_(JobRow.created_at, JobRow.id) < (before.created_at, before.id))
        if run_id is not None:
            query = query.where(JobRow.run_id == run_id)
        if state is not None:
            query = query.where(JobRow.state == state)
        return self._find(query)

    def _record(self, row: JobRow) -> JobRecord:
        job = super()._record(row)
        if job.state in UNDER_WAY and self._connection.is_abandoned():
            return replace(job, state="interrupted")
        return job


class Exports(Repository[ExportRecord, ExportRow]):
    """History of exports; only bundles that passed their self-test are recorded."""

    rows = DocumentMap(ExportRecord, ExportRow)

    def list(self, run_id: str | None = None) -> builtins.list[ExportRecord]:
        """Return the exports, newest first."""
        query = self._all().order_by(ExportRow.created_at.desc(), ExportRow.id)
        return self._find(query if run_id is None else query.where(ExportRow.run_id == run_id))
