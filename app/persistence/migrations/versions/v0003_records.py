"""Move the records of projects, runs and versions into tables of their own.

They were JSON under keys such as “proof:RUN” among the settings. Unreadable ones are set aside, and those without an
existing owner are deleted.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.persistence.columns import AnyText, UtcTime, decode_text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OWNERS = {"project": "projects", "run": "runs", "variant": "variants"}
PLAIN = {
    "opening": "project", "origin": "project", "pinned": "project",
    "watched": "run", "machine": "run", "proof": "run", "search": "run",
}  # fmt: skip
"""Kinds that are carried over unchanged."""
OTHERS = ("data", "recipes", "data-record", "stress", "load", "trash", "forecasts")


@dataclass(frozen=True)
class Record:
    """One record to insert into the new tables."""

    owner: str
    owner_id: str
    kind: str
    body: dict[str, Any]
    item: str = ""


class Unreadable(ValueError):
    """A row is not what the program wrote."""


def upgrade() -> None:
    """Create the tables of records and fill them from the settings."""
    for owner, table in OWNERS.items():
        name = f"{owner}_records"
        op.create_table(
            name,
            *(sa.Column(column, AnyText(), nullable=False) for column in ("owner_id", "kind", "item")),
            sa.Column("written_at", UtcTime(), nullable=False),
            sa.Column("body_json", AnyText(), nullable=False),
            sa.PrimaryKeyConstraint("owner_id", "kind", "item", name=f"pk_{name}"),
            sa.ForeignKeyConstraint(["owner_id"], [f"{table}.id"], name=f"fk_{name}_owner_id", ondelete="CASCADE"),
        )
    op.create_table(
        "records_set_aside",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", AnyText(), nullable=False),
        sa.Column("owner_id", AnyText(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("reason", AnyText(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_records_set_aside"),
    )
    _carry_over(op.get_bind())


def _carry_over(connection: sa.Connection) -> None:
    now = datetime.now(UTC)
    aside = sa.table("records_set_aside", *_columns("name", "owner_id", "body", "reason"), sa.column("at", UtcTime()))
    there = {
        owner: {bytes(row[0]) for row in connection.exec_driver_sql(f"SELECT CAST(id AS BLOB) FROM {table}")}
        for owner, table in OWNERS.items()
    }
    # read as bytes, because damaged text may be invalid
    rows = connection.exec_driver_sql("SELECT CAST(key AS BLOB), CAST(value_json AS BLOB) FROM settings").fetchall()
    written = 0
    for key, value in rows:
        kind, _, owner_id = decode_text(key).partition(":")
        if kind not in PLAIN and kind not in OTHERS:
            continue
        found: list[Record] = []  # records before the damage are carried over all the same
        try:
            found += _records(kind, owner_id, json.loads(decode_text(value or b"")))
        except (ValueError, RecursionError) as error:
            reason = str(error).partition("\n")[0]
            row = {"name": decode_text(key), "owner_id": owner_id, "body": value or b"", "reason": reason, "at": now}
            connection.execute(aside.insert().values(**row))
        for record in found:
            if record.owner_id.encode("utf-8", "surrogatepass") in there[record.owner]:
                written += 1  # their times give their order
                _insert(connection, record, now + timedelta(microseconds=written))
        connection.exec_driver_sql("DELETE FROM settings WHERE CAST(key AS BLOB) = ?", (key,))


def _columns(*names: str) -> list["sa.ColumnClause[Any]"]:
    return [sa.column(name, sa.LargeBinary() if name == "body" else AnyText()) for name in names]


def _insert(connection: sa.Connection, record: Record, at: datetime) -> None:
    names = ("owner_id", "kind", "item", "body_json")
    table = sa.table(f"{record.owner}_records", *_columns(*names), sa.column("written_at", UtcTime()))
    row = {
        "owner_id": record.owner_id, "kind": record.kind, "item": record.item,
        "body_json": json.dumps(record.body), "written_at": at,
    }  # fmt: skip
    connection.execute(table.insert().prefix_with("OR REPLACE").values(**row))  # damage may repeat a record


def _records(kind: str, owner_id: str, value: Any) -> Iterator[Record]:
    """Yield the records of one row; raises `Unreadable`."""
    if kind in PLAIN:
        yield Record(PLAIN[kind], owner_id, kind, _mapping(value))
    elif kind == "data":
        yield Record("project", owner_id, kind, {**_mapping(value), "model_dir": ""})
    elif kind == "recipes" and value is not None:  # None stood for the preset's own
        yield Record("project", owner_id, kind, {"recipes": _list(value)})
    elif kind == "data-record":
        for path, answers in _mapping(value).items():
            yield Record("project", owner_id, kind, _mapping(answers), item=path)
    elif kind == "trash":
        for project_id, at in _mapping(value).items():
            yield Record("project", project_id, "trashed", {"at": at})
    elif kind == "forecasts":
        for run in _list(_mapping(value).get("runs", [])):
            yield Record("run", _id(run, "run_id"), "forecast", run)
    elif kind == "stress":
        again = _mapping(_mapping(value).get("again", {}))
        for variant_id, key in _mapping(_mapping(value).get("keys", {})).items():
            yield Record("variant", variant_id, kind, {"key": key, "again": again.get(variant_id, 0)})
    elif kind == "load":
        for load in reversed(_list(_mapping(value).get("records", []))):  # the newest came first
            version = _mapping(load).get("variant") or load.get("original")
            yield Record("variant", _id(version, "variant_id"), kind, load)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("it is not a record")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable("it is not a list of records")
    return value


def _id(value: Any, name: str) -> str:
    found = _mapping(value).get(name)
    if not isinstance(found, str):
        raise Unreadable(f"it has no {name}")
    return found
