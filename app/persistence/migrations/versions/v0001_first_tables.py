"""Create the first tables: projects, runs with steps, variants with latencies, jobs, exports, artifacts, settings."""

import sqlalchemy as sa
from alembic import op

from app.persistence.columns import AnyText, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str, *, empty: bool = False) -> "sa.Column[str]":
    """Return a column of text."""
    return sa.Column(name, AnyText(), nullable=empty)


def time(name: str, *, empty: bool = False) -> "sa.Column[object]":
    """Return a column of times."""
    return sa.Column(name, UtcTime(), nullable=empty)


def whole(name: str, *, empty: bool = False) -> "sa.Column[int]":
    """Return a column of whole numbers."""
    return sa.Column(name, sa.Integer(), nullable=empty)


def number(name: str, *, empty: bool = True) -> "sa.Column[float]":
    """Return a column of numbers."""
    return sa.Column(name, sa.Float(), nullable=empty)


def truth(name: str) -> "sa.Column[bool]":
    """Return a column of truth values."""
    return sa.Column(name, sa.Boolean(), nullable=False)


def primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    """Return the primary key of a table."""
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def belongs(table: str, column: str, to: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """Return a reference to the id of another table."""
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Create all tables."""
    _projects()
    _runs()
    _variants()
    _history()


def _projects() -> None:
    op.create_table(
        "projects",
        *(text(name) for name in ("id", "name", "model_path", "model_sha256")),
        time("created_at"),
        time("updated_at"),
        *(text(name, empty=True) for name in ("model_key", "info_json", "data_path", "data_key", "data_json")),
        text("preset_id"),
        number("max_loss_pct", empty=False),
        *(text(name) for name in ("purpose", "not_for", "contact", "page")),
        truth("is_sample"),
        primary("projects", "id"),
    )
    op.create_index("ix_projects_updated_at", "projects", ["updated_at"])
    op.create_table("settings", text("key"), text("value_json"), primary("settings", "key"))
    op.create_table(
        "artifacts",
        *(text(name) for name in ("key", "kind", "sha256")),
        whole("size_bytes"),
        time("created_at"),
        text("made_by_json"),
        primary("artifacts", "key"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        *(text(name) for name in ("id", "project_id", "state")),
        time("created_at"),
        time("started_at", empty=True),
        time("finished_at", empty=True),
        number("seconds"),
        text("baseline_variant_id", empty=True),
        text("recommended_variant_id", empty=True),
        text("headline"),
        *(text(name, empty=True) for name in ("error_json", "plan_json", "data_key")),
        text("preset_id"),
        number("max_loss_pct", empty=False),
        number("time_budget_s"),
        whole("seed"),
        whole("threads", empty=True),
        text("runtimes_json"),
        text("recipe_json", empty=True),
        primary("runs", "id"),
        belongs("runs", "project_id", "projects"),
    )
    op.create_index("ix_runs_project_id", "runs", ["project_id"])
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_table(
        "steps",
        text("run_id"),
        whole("index"),
        *(text(name) for name in ("title", "state", "detail", "figure")),
        number("started_s"),
        number("seconds"),
        primary("steps", "run_id", "index"),
        belongs("steps", "run_id", "runs"),
    )


def _variants() -> None:
    op.create_table(
        "variants",
        text("id"),
        text("run_id"),
        whole("index"),
        *(text(name) for name in ("title", "recipe_json", "runtime", "precision", "state")),
        text("artifact_key", empty=True),
        text("answers_key", empty=True),
        whole("size_bytes", empty=True),
        number("size_ratio"),
        text("judgement_json", empty=True),
        text("notes_json"),
        truth("is_baseline"),
        *(number(f"latency_{name}_ms") for name in ("p50", "p90", "p99", "max")),
        number("throughput_per_s"),
        whole("peak_memory_bytes", empty=True),
        number("load_ms"),
        whole("n"),
        *(number(name) for name in ("speedup", "speedup_low", "speedup_high")),
        whole("sets"),
        number("busy_share"),
        primary("variants", "id"),
        belongs("variants", "run_id", "runs"),
    )
    op.create_index("ix_variants_run_id", "variants", ["run_id"])
    op.create_table(
        "latencies",
        whole("number"),
        text("run_id"),
        text("variant_id"),
        number("at_s", empty=False),
        number("latency_ms", empty=False),
        primary("latencies", "number"),
        belongs("latencies", "run_id", "runs"),
        belongs("latencies", "variant_id", "variants"),
    )
    op.create_index("ix_latencies_run_id_number", "latencies", ["run_id", "number"])
    op.create_index("ix_latencies_variant_id", "latencies", ["variant_id"])


def _history() -> None:
    op.create_table(
        "jobs",
        *(text(name) for name in ("id", "kind", "title", "state", "device")),
        time("created_at"),
        text("run_id", empty=True),
        time("started_at", empty=True),
        time("finished_at", empty=True),
        text("log_path", empty=True),
        text("error_json", empty=True),
        primary("jobs", "id"),
        belongs("jobs", "run_id", "runs", "SET NULL"),
    )
    op.create_index("ix_jobs_run_id", "jobs", ["run_id"])
    op.create_index("ix_jobs_state", "jobs", ["state"])
    op.create_index("ix_jobs_created_at_id", "jobs", ["created_at", "id"])
    op.create_table(
        "exports",
        *(text(name) for name in ("id", "run_id", "variant_id", "target", "path", "sha256")),
        whole("size_bytes"),
        time("created_at"),
        text("selftest_json"),
        text("override_reason", empty=True),
        primary("exports", "id"),
        belongs("exports", "run_id", "runs"),
        belongs("exports", "variant_id", "variants"),
    )
    op.create_index("ix_exports_run_id", "exports", ["run_id"])
    op.create_index("ix_exports_variant_id", "exports", ["variant_id"])
