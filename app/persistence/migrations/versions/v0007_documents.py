"""Store each record as one JSON document, beside columns for the fields that queries use.

Columns are added, filled and dropped in place. A copy of a table would have to replace it, and dropping the old one
would delete the rows that refer to it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.persistence.columns import EPOCH, AnyText, decode_text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


@dataclass(frozen=True)
class Layout:
    """Destination of one table's columns: `columns` stay, `inner` become an object of the body, `parsed` hold JSON."""

    columns: tuple[str, ...]
    inner: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parsed: dict[str, str] = field(default_factory=dict)


LAYOUTS = {
    "projects": Layout(("id", "updated_at")),
    "runs": Layout(
        ("id", "project_id", "state", "created_at"),
        {"goal": ("preset_id", "max_loss_pct", "time_budget_s", "seed", "threads", "runtimes", "recipe_json")},
        {"runtimes_json": "runtimes"},
    ),
    "steps": Layout(("run_id", "index", "state")),
    "variants": Layout(
        ("id", "run_id", "index", "runtime", "is_measured"),
        {
            "measurement": (
                *("latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "latency_max_ms", "latency_mean_ms"),
                *("latency_p50_low_ms", "latency_p50_high_ms", "set_p50_ms", "throughput_per_s", "peak_memory_bytes"),
                *("load_ms", "n", "sets", "speedup", "speedup_low", "speedup_high", "cpu_speedup", "p90_speedup"),
                *("agreed_low", "under_load", "busy_share"),
            )
        },
        {
            "recipe_json": "recipe",
            "judgement_json": "judgement",
            "screening_json": "screening",
            "notes_json": "notes",
            "set_p50_json": "set_p50_ms",
        },
    ),
    "jobs": Layout(("id", "state", "created_at", "run_id")),
    "exports": Layout(("id", "run_id", "variant_id", "created_at")),
    "artifacts": Layout(("key",)),
    "looks": Layout(("id", "model_sha256", "run_id", "number", "items"), parsed={"versions_json": "versions"}),
}


def upgrade() -> None:
    """Convert all tables of records."""
    op.add_column("variants", sa.Column("is_measured", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE variants SET is_measured = n > 0")
    for table, layout in LAYOUTS.items():
        _convert(table, layout)


def _convert(table: str, layout: Layout) -> None:
    connection = op.get_bind()
    described = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    moved = {row.name: row.type for row in described if row.name not in layout.columns}
    op.add_column(table, sa.Column("body_json", AnyText(), nullable=False, server_default="{}"))
    # read as bytes: damaged text must not keep all other rows from being converted
    columns = ", ".join(f'CAST("{name}" AS BLOB)' if kind == "TEXT" else f'"{name}"' for name, kind in moved.items())
    rows = connection.exec_driver_sql(f"SELECT rowid, {columns} FROM {table}").all()
    for rowid, *values in rows:
        body = _body(layout, dict(_fields(layout, moved, values)))
        connection.exec_driver_sql(f"UPDATE {table} SET body_json = ? WHERE rowid = ?", (json.dumps(body), rowid))
    for name in moved:
        connection.exec_driver_sql(f'ALTER TABLE {table} DROP COLUMN "{name}"')


def _fields(layout: Layout, moved: dict[str, str], values: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the JSON value of each field."""
    for (name, kind), value in zip(moved.items(), values, strict=True):
        if name in layout.parsed:
            if value is not None:  # an absent value gets its default
                yield layout.parsed[name], _parsed(decode_text(value))
        elif value is None:
            yield name, None
        elif kind == "TEXT":
            yield name, decode_text(value)
        elif kind == "BOOLEAN":
            yield name, bool(value)
        elif name in ("at", "created_at", "started_at", "finished_at"):
            yield name, (EPOCH + timedelta(microseconds=value)).isoformat()
        else:
            yield name, value


def _parsed(text: str) -> Any:
    """Return the value of a JSON text; a damaged text stays as it is, so that reading the record names it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _body(layout: Layout, values: dict[str, Any]) -> dict[str, Any]:
    inner = {
        field: {name: values.pop(name) for name in names if name in values} for field, names in layout.inner.items()
    }
    return values | inner
