"""Store the history of jobs and exports, the origins of artifacts, and values by name for all projects."""

import builtins
import json
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, JsonValue
from sqlalchemy import tuple_, update

from app.domain.job import ArtifactRecord, ExportRecord, JobRecord
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection, Repository
from app.persistence.tables import ArtifactRow, ExportRow, JobRow, SettingRow

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

    def set_run(self, job_id: str, run_id: str) -> None:
        """Record the run that a job belongs to."""
        with self._connection.transaction() as session:
            session.execute(update(JobRow).where(JobRow.id == job_id).values(run_id=run_id))

    def end(self, record: JobRecord) -> None:
        """Store the record of a job that has ended, except its run, which may have been set meanwhile."""
        values = {name: value for name, value in self.rows.values(record).items() if name != "run_id"}
        with self._connection.transaction() as session:
            session.execute(update(JobRow).where(JobRow.id == record.id).values(**values))

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


T = TypeVar("T", bound=BaseModel)


class RememberedValues:
    """Values by key for all projects, such as the description of the computer.

    A person's settings are in settings.json (app.settings); values of a project, run or version are in `Records`.
    """

    def __init__(self, connection: Connection) -> None:
        """Create access to the values on `connection`."""
        self._connection = connection

    def read(self, key: str, shape: type[T]) -> T | None:
        """Return a value in its type, None if there is none or if it cannot be read."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
        try:
            return None if row is None else shape.model_validate(json.loads(row.value_json))
        except (ValueError, RecursionError):
            return None

    def put(self, key: str, value: JsonValue) -> None:
        """Store a value in place of the earlier one."""
        with self._connection.transaction() as session:
            session.merge(SettingRow(key=key, value_json=json.dumps(value)))

    def delete(self, key: str) -> None:
        """Delete a value; a missing one is ignored."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
            if row is not None:
                session.delete(row)


class Artifacts(Repository[ArtifactRecord, ArtifactRow]):
    """Origins of artifacts; the id is the key in the content-addressed store, so its content never changes."""

    rows = DocumentMap(ArtifactRecord, ArtifactRow)

    def put(self, record: ArtifactRecord) -> None:
        """Store a record in place of the earlier one of the same key."""
        with self._connection.transaction() as session:
            session.merge(ArtifactRow(**self.rows.values(record)))
