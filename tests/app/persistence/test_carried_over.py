"""Test that records among the settings move into their own tables; damage is reported and never fatal."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from old_tables import make_old_database, query

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.domain.run import Run
from app.domain.variant import Variant
from app.paths import DataPaths
from app.persistence import backup, open_store, revisions
from workers.contracts.base import Frozen

ROOT = Path(__file__).parents[3]
OPEN = """
import sys
from pathlib import Path
from app.instance import DataFolderBusy
from app.persistence import open_store
try:
    open_store(Path(sys.argv[1]), read_only=sys.argv[2] == "read").close()
    print("opened")
except DataFolderBusy:
    print("busy")
"""
TABLES = ("project_records", "run_records", "variant_records")


class Whatever(Frozen):
    """Whatever was kept."""

    model_config = {"extra": "allow"}


@pytest.fixture
def before(paths: DataPaths, project: Project, run: Run, variant: Variant) -> DataPaths:
    """Return a folder with one project, run and version in the tables of an older revision, without a seal."""
    make_old_database(paths.database, "0002", [project, run, variant])
    return paths


def remember(paths: DataPaths, values: dict[str, Any]) -> None:
    """Add rows to the settings as the older program wrote them; bytes are stored unchanged."""
    for key, value in values.items():
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        query(paths.database, "INSERT INTO settings VALUES (?, CAST(? AS TEXT))", key, body)


def kept(paths: DataPaths) -> dict[tuple[str, str, str], Any]:
    """Return the values of all tables of records by owner, kind and item."""
    found = {}
    for table in TABLES:
        for owner, kind, item, body in query(paths.database, f"SELECT owner_id, kind, item, body_json FROM {table}"):
            found[(owner, kind, item)] = json.loads(body)
    return found


def settings(paths: DataPaths) -> set[str]:
    return {key for (key,) in query(paths.database, "SELECT key FROM settings")}


def test_each_kind_moves_to_its_owner(before: DataPaths) -> None:
    """Given one record of each kind, Then each belongs to its owner; values of all projects stay in the settings."""
    load = {"original": {"variant_id": "v1"}, "variant": None, "round": 2}
    remember(
        before,
        {
            "opening:p1": {"path": "/m"}, "origin:p1": {"repo": "a/b"}, "pinned:p1": {"run_id": "r1"},
            "data:p1": {"path": "/d", "left_out": ["a"]}, "recipes:p1": [{"title": "A"}], "recipes:p2": None,
            "data-record:p1": {"/d": {"made_by": "me"}, "/e \ud83d": {"made_by": "made"}},
            "watched:r1": {"w": 1}, "machine:r1": {"cores": 2}, "proof:r1": {"parts": []}, "search:r1": {"planned": 3},
            "stress:r1": {"keys": {"v1": "ab"}, "again": {"v1": 4}}, "load:r1": {"records": [load]},
            "forecasts": {"runs": [{"run_id": "r1", "seconds": 2.5}]}, "trash": {"p1": "2026-03-04T00:00:00+00:00"},
            "describe": {"stamp": "x"}, "load-price": {"per_hour": 1.5},
        },
    )  # fmt: skip
    with open_store(before) as store:
        assert not store.notices
    assert kept(before) == {
        ("p1", "opening", ""): {"path": "/m"},
        ("p1", "origin", ""): {"repo": "a/b"},
        ("p1", "pinned", ""): {"run_id": "r1"},
        ("p1", "data", ""): {"path": "/d", "left_out": ["a"], "model_dir": ""},
        ("p1", "recipes", ""): {"recipes": [{"title": "A"}]},
        ("p1", "data-record", "/d"): {"made_by": "me"},
        ("p1", "data-record", "/e \ud83d".encode("utf-8", "surrogatepass")): {"made_by": "made"},
        ("p1", "trashed", ""): {"at": "2026-03-04T00:00:00+00:00"},
        ("r1", "watched", ""): {"w": 1},
        ("r1", "machine", ""): {"cores": 2},
        ("r1", "proof", ""): {"parts": []},
        ("r1", "search", ""): {"planned": 3},
        ("r1", "forecast", ""): {"run_id": "r1", "seconds": 2.5},
        ("v1", "stress", ""): {"key": "ab", "again": 4},
        ("v1", "load", ""): load,
    }
    assert settings(before) == {"describe", "load-price"}


def test_records_without_an_owner_are_dropped(before: DataPaths) -> None:
    """Given records of deleted projects, runs and versions, Then they are dropped without a notice."""
    remember(
        before,
        {
            "opening:gone": {"path": "/m"}, "search:gone": {}, "stress:r1": {"keys": {"gone": "ab"}},
            "load:gone": {"records": [{"variant": {"variant_id": "gone"}}]}, "trash": {"gone": "2026"},
            "forecasts": {"runs": [{"run_id": "gone"}, {"run_id": "r1"}]}, "data-record:gone": {"/d": {}},
        },
    )  # fmt: skip
    with open_store(before) as store:
        assert not store.notices
    assert kept(before) == {("r1", "forecast", ""): {"run_id": "r1"}} and settings(before) == set()


DAMAGED: dict[str, Any] = {
    "proof:r1": b'{"parts": [',
    "watched:r1": b"\xff\xfe",
    "machine:r1": b"",
    "search:r1": 7,
    "opening:p1": ["/m"],
    "recipes:p1": {"title": "A"},
    "data-record:p1": {"/d": "me"},
    "stress:r1": {"keys": ["v1"]},
    "load:r1": {"records": [{"variant": None}]},
    "forecasts": {"runs": [{"seconds": 1}]},
    "trash": "p1",
    "pinned:p1": b"[" * 100_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_row_is_reported_and_set_aside(before: DataPaths, name: str) -> None:
    """Given a row that the program did not write, Then the others are moved, it is set aside byte for byte, and a
    notice names it and the copy of the old database."""
    remember(before, {name: DAMAGED[name], "origin:p1": {"repo": "a/b"}})
    body = DAMAGED[name] if isinstance(DAMAGED[name], bytes) else json.dumps(DAMAGED[name]).encode()
    with open_store(before, read_only=True) as store:
        (notice,) = store.notices
    (copy,) = (one for one in backup.list_backups(before.backups) if one.path.stem.endswith("-0002"))
    assert name in notice and str(copy.path) in notice and copy.is_intact()
    assert kept(before) == {("p1", "origin", ""): {"repo": "a/b"}} and settings(before) == set()
    assert query(before.database, "SELECT name, body FROM records_set_aside") == [(name, body)]
    with open_store(before) as again:
        assert not again.notices, "it is reported once"


def test_order_of_records_is_kept(before: DataPaths, run: Run) -> None:
    """Given records in an order, Then they keep it: the newest measurements and forecasts first."""
    kind = RecordKind("forecast", Owner.RUN, Whatever)
    with_runs = [f"n{number}" for number in range(9)]
    columns = [row[1] for row in query(before.database, "PRAGMA table_info(runs)")]
    chosen = ", ".join("?" if name == "id" else name for name in columns)
    for run_id in with_runs:
        query(before.database, f"INSERT INTO runs SELECT {chosen} FROM runs WHERE id = 'r1'", run_id)
    remember(before, {"forecasts": {"runs": [{"run_id": run_id} for run_id in with_runs]}})
    with open_store(before) as store:
        assert list(store.repositories.records.by_owner(kind)) == with_runs[::-1]


@pytest.mark.whole
def test_two_programs_bring_it_up_to_date_once(before: DataPaths) -> None:
    """Given programs that open the old folder at the same time, Then one of them changes it; the others wait or are
    refused, and everything is there once."""
    remember(before, {"proof:r1": {"parts": []}})
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(before.root), how], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for how in ("read", "write", "read")
    ]
    ends = [program.communicate(timeout=60)[0].strip() for program in programs]
    assert set(ends) <= {"opened", "busy"} and "opened" in ends
    assert revisions.revision_of(before.database) == revisions.HEAD
    assert kept(before) == {("r1", "proof", ""): {"parts": []}}
    assert sum(copy.path.stem.endswith("-0002") for copy in backup.list_backups(before.backups)) == 1
