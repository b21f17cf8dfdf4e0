"""Define the tables that `migrations/versions` creates; a test compares both. Times in s or ms, sizes in bytes."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Float, ForeignKey, Index, MetaData, false
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from app.persistence.columns import AnyText, PackedNumbers, UtcTime

CASCADE = "CASCADE"


class Base(DeclarativeBase):
    """Base of all tables; constraint names follow one rule, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map: ClassVar = {str: AnyText, datetime: UtcTime, float: Float}


class DocumentRow(Base):
    """A row of one record: the fields that queries use have columns, all others are in one JSON document.

    A new field of a record needs no migration as long as it has a default value.
    """

    __abstract__ = True

    body_json: Mapped[str] = mapped_column(server_default="{}", sort_order=1)


class ProjectRow(DocumentRow):
    """A row of app.domain.project.Project."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(primary_key=True)
    updated_at: Mapped[datetime] = mapped_column(index=True)


class RunRow(DocumentRow):
    """A row of app.domain.run.Run."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete=CASCADE), index=True)
    state: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]


class StepRow(DocumentRow):
    """A row of app.domain.run.StepRecord."""

    __tablename__ = "steps"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


class VariantRow(DocumentRow):
    """A row of app.domain.variant.Variant."""

    __tablename__ = "variants"

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), index=True)
    index: Mapped[int]
    runtime: Mapped[str]
    is_measured: Mapped[bool] = mapped_column(server_default=false())


class LatencyRow(Base):
    """A row of app.domain.variant.LatencyPoint; `number` increases over all runs, and pages are read by it."""

    __tablename__ = "latencies"
    __table_args__ = (Index("ix_latencies_run_id_number", "run_id", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE))
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id", ondelete=CASCADE), index=True)
    at_s: Mapped[float]
    latency_ms: Mapped[float]


class JobRow(DocumentRow):
    """A row of app.domain.job.JobRecord."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_created_at_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)


class ExportRow(DocumentRow):
    """A row of app.domain.job.ExportRecord."""

    __tablename__ = "exports"

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), index=True)
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id", ondelete=CASCADE), index=True)
    created_at: Mapped[datetime]


class ArtifactRow(DocumentRow):
    """A row of app.domain.job.ArtifactRecord."""

    __tablename__ = "artifacts"

    key: Mapped[str] = mapped_column(primary_key=True)


class RecordRow(Base):
    """A row of an app.domain.record.RecordKind: a JSON value; `item` is "" if its owner has one of the kind."""

    __abstract__ = True
    owners: ClassVar[str]

    @declared_attr
    def owner_id(self) -> Mapped[str]:
        """Return the column that refers to the owner."""
        return mapped_column(ForeignKey(f"{self.owners}.id", ondelete=CASCADE), primary_key=True, sort_order=-1)

    kind: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    written_at: Mapped[datetime]
    body_json: Mapped[str]


class ProjectRecordRow(RecordRow):
    """A record of a project."""

    __tablename__ = "project_records"
    owners = "projects"


class RunRecordRow(RecordRow):
    """A record of a run."""

    __tablename__ = "run_records"
    owners = "runs"


class VariantRecordRow(RecordRow):
    """A record of a version."""

    __tablename__ = "variant_records"
    owners = "variants"


class SetAsideRow(Base):
    """An unreadable record, byte for byte, set aside when it was carried over or replaced; `owner_id` "" if unknown."""

    __tablename__ = "records_set_aside"

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[str]
    body: Mapped[bytes]
    reason: Mapped[str]
    at: Mapped[datetime]


class LookRow(DocumentRow):
    """A row of app.domain.proof.looks.Look."""

    __tablename__ = "looks"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_sha256: Mapped[str] = mapped_column(index=True)
    run_id: Mapped[str]
    number: Mapped[int]
    items: Mapped[frozenset[int]] = mapped_column(PackedNumbers)


class SettingRow(Base):
    """One value for all projects, as JSON."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value_json: Mapped[str]
