"""Read which stored files the database names and which runs made them, on a separate connection for any thread."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.persistence.columns import AnyText
from app.persistence.engine import reading_engine
from app.persistence.errors import translated_errors
from app.persistence.repositories.jobs import Artifacts
from app.persistence.repositories.runs import Projects
from app.persistence.tables import (
    ArtifactRow,
    Base,
    ExportRow,
    JobRow,
    ProjectRecordRow,
    ProjectRow,
    RunRecordRow,
    RunRow,
    SetAsideRow,
    SettingRow,
    StepRow,
    VariantRecordRow,
    VariantRow,
)

KEY = re.compile(r"(?:\\u[0-9a-f]{4})*([0-9a-f]{64})")
"""Keys of the artifact store and SHA-256 of released bundles, also right after an escaped character of JSON."""

ROWS_AT_ONCE = 500

OF_A_PROJECT: tuple[tuple[type[Base], InstrumentedAttribute[str]], ...] = (
    (ProjectRow, ProjectRow.id),
    (RunRow, RunRow.id),
    (StepRow, StepRow.run_id),
    (VariantRow, VariantRow.id),
    (ExportRow, ExportRow.run_id),
    (ProjectRecordRow, ProjectRecordRow.owner_id),
    (RunRecordRow, RunRecordRow.owner_id),
    (VariantRecordRow, VariantRecordRow.owner_id),
    (SetAsideRow, SetAsideRow.owner_id),
    (SettingRow, SettingRow.key),
)
"""Tables whose rows need the files that they name, with the project, run or version that a row belongs to.

Jobs, looks and the provenance of artifacts outlive their project: they name files but need none.
"""


@dataclass(frozen=True)
class References:
    """Stored files that the database names.

    `names` maps projects' ids to names. `keys` are the keys that each project's rows name, under "" those without a
    project. `makers` maps the key of an artifact to the kind of job that made it and the project of its run, "" if
    that is gone.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    makers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_references(database: Path) -> References:
    """Read all references in one transaction; raises `StoreUnusable`.

    Every text column counts, so that new kinds of records are included automatically.
    """
    if not database.exists():
        return References()
    engine = reading_engine(database)
    try:
        with translated_errors(database), Session(engine) as session:
            names = {row.id: Projects.rows.record(row).name for row in session.scalars(select(ProjectRow))}
            owners = _projects_of(session)
            keys: dict[str, set[str]] = {}
            for table, owner in OF_A_PROJECT:
                _collect(session, table, owner, owners, keys)
            return References(names, {one: frozenset(found) for one, found in keys.items()}, _makers(session, owners))
    finally:
        engine.dispose()


def _projects_of(session: Session) -> dict[str, str]:
    """Return the project of each project, run and version."""
    runs = dict(session.execute(select(RunRow.id, RunRow.project_id)).all())
    versions = session.execute(select(VariantRow.id, VariantRow.run_id))
    projects = session.scalars(select(ProjectRow.id))
    return {**{one: one for one in projects}, **runs, **{version: runs[run_id] for version, run_id in versions}}


def _collect(
    session: Session,
    table: type[Base],
    owner: InstrumentedAttribute[str],
    owners: Mapping[str, str],
    keys: dict[str, set[str]],
) -> None:
    columns = [one for one in table.__table__.columns if isinstance(one.type, AnyText) or one.type.python_type is bytes]
    for owner_id, *values in session.execute(select(owner, *columns).execution_options(yield_per=ROWS_AT_ONCE)):
        keys.setdefault(owners.get(owner_id, ""), set()).update(_keys_in(values))


def _keys_in(values: Iterable[str | bytes | None]) -> Iterable[str]:
    for value in values:
        if value:
            yield from KEY.findall(value.decode("latin-1") if isinstance(value, bytes) else value)


def _makers(session: Session, owners: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    runs = dict(session.execute(select(JobRow.id, JobRow.run_id)).all())
    rows = session.scalars(select(ArtifactRow).execution_options(yield_per=ROWS_AT_ONCE))
    return {one.key: (one.kind, owners.get(runs.get(one.job_id) or "", "")) for one in map(Artifacts.rows.record, rows)}
