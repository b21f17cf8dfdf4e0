"""Store projects, runs with their steps, and variants with their measurements."""

import builtins
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select

from app.domain.project import Project
from app.domain.run import UNDER_WAY, Run, RunState, StepRecord
from app.domain.variant import Variant
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Repository
from app.persistence.tables import ProjectRow, RunRow, StepRow, VariantRow

STEP_UNDER_WAY = ("running", "waiting")
STEPS = DocumentMap(StepRecord, StepRow)


class Runs(Repository[Run, RunRow]):
    """All runs; deleting one deletes its steps, variants and latencies.

    In a read-only database, a run that a killed program left is returned as interrupted, as it will be recorded.
    """

    rows = DocumentMap(Run, RunRow)

    def list(
        self, project_id: str | None = None, state: RunState | None = None, limit: int | None = None
    ) -> builtins.list[Run]:
        """Return runs, newest first."""
        query = self._all().order_by(RunRow.created_at.desc(), RunRow.id).limit(limit)
        if project_id is not None:
            query = query.where(RunRow.project_id == project_id)
        if state is not None:
            query = query.where(RunRow.state == state.value)
        return self._find(query)

    def put_step(self, step: StepRecord) -> None:
        """Add a step, or replace the one of the same run and index."""
        with self._connection.transaction() as session:
            session.merge(StepRow(**STEPS.values(step)))

    def steps(self, run_id: str) -> builtins.list[StepRecord]:
        """Return the steps of a run in order."""
        query = select(StepRow).where(StepRow.run_id == run_id).order_by(StepRow.index)
        with self._connection.transaction() as session:
            steps = [STEPS.record(row) for row in session.scalars(query)]
            run = session.get(RunRow, run_id)
        if run is not None and run.state in UNDER_WAY and self._connection.is_abandoned():
            return [replace(step, state="skipped") if step.state in STEP_UNDER_WAY else step for step in steps]
        return steps

    def _record(self, row: RunRow) -> Run:
        run = super()._record(row)
        if run.state in UNDER_WAY and self._connection.is_abandoned():
            return replace(run, state=RunState.INTERRUPTED)
        return run


class Projects(Repository[Project, ProjectRow]):
    """All projects; deleting one deletes its runs and everything measured in them."""

    rows = DocumentMap(Project, ProjectRow)

    def list(self) -> list[Project]:
        """Return all projects, last used first."""
        return self._find(self._all().order_by(ProjectRow.updated_at.desc(), ProjectRow.id))


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
        by_run: dict[str, frozenset[str]] = {}
        with self._connection.transaction() as session:
            for run_id, runtime in session.execute(query.distinct()):
                by_run[run_id] = by_run.get(run_id, frozenset()) | {runtime}
        return by_run
