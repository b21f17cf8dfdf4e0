"""The tables. `migrations/versions` makes them; a test checks that both agree. Times in s or ms, sizes in bytes."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Float, ForeignKey, Index, MetaData, true
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from app.persistence.columns import AnyText, UtcTime

CASCADE = "CASCADE"


class Base(DeclarativeBase):
    """Names of constraints follow one rule, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map: ClassVar = {str: AnyText, datetime: UtcTime, float: Float}


class ProjectRow(Base):
    """app.domain.project.Project"""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    model_path: Mapped[str]
    model_sha256: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    model_key: Mapped[str | None]
    info_json: Mapped[str | None]
    data_path: Mapped[str | None]
    data_key: Mapped[str | None]
    data_json: Mapped[str | None]
    preset_id: Mapped[str]
    max_loss_pct: Mapped[float]
    purpose: Mapped[str]
    not_for: Mapped[str]
    contact: Mapped[str]
    page: Mapped[str]
    is_sample: Mapped[bool]


class RunRow(Base):
    """app.domain.run.Run with its Goal"""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id", ondelete=CASCADE), index=True)
    state: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    seconds: Mapped[float | None]
    baseline_variant_id: Mapped[str | None]
    recommended_variant_id: Mapped[str | None]
    headline: Mapped[str]
    error_json: Mapped[str | None]
    plan_json: Mapped[str | None]
    data_key: Mapped[str | None]
    preset_id: Mapped[str]
    max_loss_pct: Mapped[float]
    time_budget_s: Mapped[float | None]
    seed: Mapped[int]
    threads: Mapped[int | None]
    runtimes_json: Mapped[str]
    recipe_json: Mapped[str | None]


class StepRow(Base):
    """app.domain.run.StepRecord"""

    __tablename__ = "steps"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    state: Mapped[str]
    detail: Mapped[str]
    figure: Mapped[str]
    started_s: Mapped[float | None]
    seconds: Mapped[float | None]


class VariantRow(Base):
    """app.domain.variant.Variant with its Measurement; recipe, judgement and notes as JSON"""

    __tablename__ = "variants"

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), index=True)
    index: Mapped[int]
    title: Mapped[str]
    recipe_json: Mapped[str]
    runtime: Mapped[str]
    precision: Mapped[str]
    state: Mapped[str]
    artifact_key: Mapped[str | None]
    answers_key: Mapped[str | None]
    size_bytes: Mapped[int | None]
    size_ratio: Mapped[float | None]
    judgement_json: Mapped[str | None]
    notes_json: Mapped[str]
    is_baseline: Mapped[bool]
    weights_kept: Mapped[bool] = mapped_column(server_default=true())
    latency_p50_ms: Mapped[float | None]
    latency_p90_ms: Mapped[float | None]
    latency_p99_ms: Mapped[float | None]
    latency_max_ms: Mapped[float | None]
    throughput_per_s: Mapped[float | None]
    peak_memory_bytes: Mapped[int | None]
    load_ms: Mapped[float | None]
    n: Mapped[int]
    speedup: Mapped[float | None]
    speedup_low: Mapped[float | None]
    speedup_high: Mapped[float | None]
    sets: Mapped[int]
    busy_share: Mapped[float | None]
    latency_p50_low_ms: Mapped[float | None]
    latency_p50_high_ms: Mapped[float | None]
    cpu_speedup: Mapped[float | None]
    agreed_low: Mapped[float | None]
    latency_mean_ms: Mapped[float | None]
    p90_speedup: Mapped[float | None]
    set_p50_json: Mapped[str | None]
    under_load: Mapped[bool | None]
    screening_json: Mapped[str | None]


class LatencyRow(Base):
    """app.domain.variant.LatencyPoint; `number` counts on through all runs, pages are read by it"""

    __tablename__ = "latencies"
    __table_args__ = (Index("ix_latencies_run_id_number", "run_id", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE))
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id", ondelete=CASCADE), index=True)
    at_s: Mapped[float]
    latency_ms: Mapped[float]


class JobRow(Base):
    """app.domain.job.JobRecord"""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_created_at_id", "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    device: Mapped[str]
    created_at: Mapped[datetime]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    log_path: Mapped[str | None]
    error_json: Mapped[str | None]


class ExportRow(Base):
    """app.domain.job.ExportRecord"""

    __tablename__ = "exports"

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete=CASCADE), index=True)
    variant_id: Mapped[str] = mapped_column(ForeignKey("variants.id", ondelete=CASCADE), index=True)
    target: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    selftest_json: Mapped[str]
    override_reason: Mapped[str | None]


class ArtifactRow(Base):
    """app.domain.artifact.ArtifactRecord"""

    __tablename__ = "artifacts"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]
    made_by_json: Mapped[str]


class RecordRow(Base):
    """app.domain.record.RecordKind: a value as JSON; `item` is "" where its owner has one of the kind"""

    __abstract__ = True
    owners: ClassVar[str]

    @declared_attr
    def owner_id(self) -> Mapped[str]:
        return mapped_column(ForeignKey(f"{self.owners}.id", ondelete=CASCADE), primary_key=True, sort_order=-1)

    kind: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    written_at: Mapped[datetime]
    body_json: Mapped[str]


class ProjectRecordRow(RecordRow):
    """What is kept beside a project"""

    __tablename__ = "project_records"
    owners = "projects"


class RunRecordRow(RecordRow):
    """What is kept beside a run"""

    __tablename__ = "run_records"
    owners = "runs"


class VariantRecordRow(RecordRow):
    """What is kept beside a version"""

    __tablename__ = "variant_records"
    owners = "variants"


class SetAsideRow(Base):
    """A record that could not be read when it was carried over or replaced, byte for byte; `owner_id` "" if unknown"""

    __tablename__ = "records_set_aside"

    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[str]
    body: Mapped[bytes]
    reason: Mapped[str]
    at: Mapped[datetime]


class LookRow(Base):
    """app.domain.proof.looks.Look; `items` are 64 bits each, in their order"""

    __tablename__ = "looks"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_sha256: Mapped[str] = mapped_column(index=True)
    run_id: Mapped[str]
    number: Mapped[int]
    versions_json: Mapped[str]
    items: Mapped[bytes]
    is_open: Mapped[bool]
    at: Mapped[datetime]


class SettingRow(Base):
    """One value that the program remembers for all projects, as JSON"""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value_json: Mapped[str]
