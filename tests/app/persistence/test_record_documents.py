"""Test records as JSON documents: older tables are converted without loss, newer and damaged documents are refused."""

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from old_tables import field_of, load_sample, make_old_database, query, same

from app.domain.project import Project
from app.domain.run import Run
from app.domain.variant import Variant
from app.paths import DataPaths
from app.persistence import Repositories, Store, StoreUnusable, backup, open_store, revisions
from app.persistence.references import read_references

DATA_0_1_0 = Path(__file__).parents[2] / "fixtures" / "data_0_1_0" / "home"
RECORDS = ("projects", "runs", "steps", "variants", "jobs", "exports", "artifacts", "looks")
KEYS = {"steps": ("run_id", "index"), "looks": ("run_id", "number"), "artifacts": ("key",)}
UNCHANGED = ("latencies", "settings", "project_records", "run_records", "variant_records", "records_set_aside")
Rows = list[dict[str, Any]]


def rows(database: Path, table: str) -> Rows:
    names = [column[1] for column in query(database, f"PRAGMA table_info({table})")]
    return [dict(zip(names, row, strict=True)) for row in query(database, f"SELECT * FROM {table}")]


def read_records(repositories: Repositories, table: str, old: Rows) -> list[Any]:
    """Return all records of a table as they are read now."""
    runs = repositories.runs.list()
    if table == "steps":
        return [step for run in runs for step in repositories.runs.steps(run.id)]
    if table == "variants":
        return [variant for run in runs for variant in repositories.variants.list(run.id)]
    if table == "looks":
        return [look for sha256 in {row["model_sha256"] for row in old} for look in repositories.looks.of_model(sha256)]
    if table == "artifacts":
        return [repositories.artifacts.get(row["key"]) for row in old]
    every: dict[str, Callable[[], list[Any]]] = {
        "projects": repositories.projects.list,
        "runs": repositories.runs.list,
        "jobs": lambda: repositories.jobs.list(limit=1000),
        "exports": repositories.exports.list,
    }
    return every[table]()


@pytest.fixture(params=["0.1.0", "0006"])
def old(paths: DataPaths, request: pytest.FixtureRequest) -> DataPaths:
    """Return a folder that an older version wrote."""
    if request.param == "0.1.0":
        shutil.copytree(DATA_0_1_0, paths.root)
    else:
        load_sample(paths.database)
    return paths


def test_old_tables_are_converted_without_loss(old: DataPaths) -> None:
    """Given a database of an older version, When it is opened, Then each value of each column is read as before."""
    before = {table: rows(old.database, table) for table in RECORDS if table != "looks" or has_looks(old)}
    with open_store(old) as store:
        assert not store.notices
        for table, old_rows in before.items():
            assert old_rows, table
            keys = KEYS.get(table, ("id",))
            found = {
                tuple(getattr(one, key) for key in keys): one
                for one in read_records(store.repositories, table, old_rows)
            }
            assert len(found) == len(old_rows)
            for row in old_rows:
                record = found[tuple(row[key] for key in keys)]
                for column in set(row) - ({"id"} if table == "looks" else set()):
                    assert same(field_of(record, column), row[column], column), (table, column, row[column])


def has_looks(paths: DataPaths) -> bool:
    return revisions.revision_of(paths.database) >= "0005"


def test_conversion_keeps_rows_that_refer_to_converted_rows(paths: DataPaths) -> None:
    """Given latencies and records of converted projects, runs and versions, Then they are unchanged."""
    load_sample(paths.database)
    before = {table: rows(paths.database, table) for table in UNCHANGED}
    open_store(paths).close()
    assert {table: rows(paths.database, table) for table in UNCHANGED} == before
    assert query(paths.database, "PRAGMA foreign_key_check") == []
    assert query(paths.database, "PRAGMA integrity_check") == [("ok",)]


def test_conversion_keeps_references_to_stored_files(paths: DataPaths) -> None:
    """Given keys of stored files in any column, Then the same ones are found in the documents."""
    load_sample(paths.database)
    tables = [table for table in RECORDS if table not in ("jobs", "artifacts", "looks")]
    tables += ["project_records", "run_records", "variant_records"]
    key = re.compile("[0-9a-f]{64}")
    before = {found for table in tables for row in rows(paths.database, table) for found in key.findall(str(row))}
    open_store(paths).close()
    references = read_references(paths.database)
    assert before and set().union(*references.keys.values()) == before
    assert set(references.makers) == {row["key"] for row in rows(paths.database, "artifacts")}


def test_migration_gives_steps_the_index_of_their_version(paths: DataPaths) -> None:
    """Given a run of an older version with recipes that were not begun, Then the original's step and those of all recipes
    have the index of their version, and the first two and the last two have none."""
    load_sample(paths.database)
    with open_store(paths) as store:
        steps = max(map(store.repositories.runs.steps, [run.id for run in store.repositories.runs.list()]), key=len)
    assert [step.variant_index for step in steps] == [None, None, *range(len(steps) - 4), None, None]
    assert "skipped" in {step.state for step in steps[3:-2]}


@pytest.mark.parametrize("column", ["judgement_json", "recipe_json", "notes_json", "title"])
def test_damaged_column_is_converted_and_refused_when_read(
    paths: DataPaths, project: Project, run: Run, variant: Variant, column: str
) -> None:
    """Given a version with a damaged column, Then all others are converted, and reading damaged JSON is refused."""
    other = dataclasses.replace(variant, id="v2", run_id="r2")
    make_old_database(paths.database, "0006", [project, run, dataclasses.replace(run, id="r2"), variant, other])
    query(paths.database, f"UPDATE variants SET {column} = CAST(x'7bff' AS TEXT) WHERE id = 'v1'")
    with open_store(paths) as store:
        assert store.repositories.variants.list("r2") == [other]
        if column == "title":
            assert store.repositories.variants.get("v1").title == "{\\xff"
        else:
            with pytest.raises(StoreUnusable) as refused:
                store.repositories.variants.get("v1")
            assert refused.value.code == "database_damaged"
    assert len(backup.list_backups(paths.backups)) == 1


def test_names_and_figures_that_json_does_not_know_are_converted(
    paths: DataPaths, project: Project, run: Run, variant: Variant
) -> None:
    """Given a path with bytes that are no text and an infinite figure, Then both are read as before."""
    measurement = dataclasses.replace(variant.measurement, throughput_per_s=float("inf"))
    changed = dataclasses.replace(variant, measurement=measurement)
    make_old_database(paths.database, "0006", [project, run, changed])
    query(paths.database, "UPDATE projects SET model_path = ?", "/m/\udcff".encode("utf-8", "surrogatepass"))
    with open_store(paths) as store:
        assert store.repositories.projects.get("p1").model_path == "/m/\udcff"
        assert store.repositories.variants.get("v1") == changed
        assert store.repositories.variants.runtimes(["r1"]) == {"r1": frozenset({"openvino"})}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_speedup_that_is_no_number_is_read_as_not_measured(paths: DataPaths, filled: Store, value: str) -> None:
    """Given a speedup in a damaged document that pages could neither compare nor draw, Then it counts as not measured."""
    (row,) = query(paths.database, "SELECT body_json FROM variants WHERE id = 'v1'")
    body = re.sub(r'("(?:speedup|agreed_low|p90_speedup)": )[^,}]+', rf"\g<1>{value}", row[0])
    query(paths.database, "UPDATE variants SET body_json = ? WHERE id = 'v1'", body)
    found = filled.repositories.variants.get("v1").measurement
    assert (found.speedup, found.agreed_low, found.p90_speedup) == (None, None, None)


BODIES = {
    '{"title": "x", "new": 1}': "database_newer",
    '{"measurement": {"new": 1}}': "database_newer",
    '{"judgement": {"new": 1}}': "database_newer",
    "{": "database_damaged",
    "7": "database_damaged",
    "[" * 100_000: "database_damaged",
    '{"title": 7}': "database_damaged",
}


@pytest.mark.parametrize("body", BODIES, ids=[body[:30] for body in BODIES])
def test_newer_or_damaged_document_is_refused(paths: DataPaths, filled: Store, body: str) -> None:
    """Given a document with an unknown field, Then a newer version is named, else the damage."""
    query(paths.database, "UPDATE variants SET body_json = ?", body)
    with pytest.raises(StoreUnusable) as refused:
        filled.repositories.variants.list("r1")
    assert refused.value.code == BODIES[body]
    assert rows(paths.database, "variants")[0]["body_json"] == body


def test_field_that_is_missing_has_its_default(paths: DataPaths, filled: Store, variant: Variant) -> None:
    """Given a document without a figure, Then that figure is unknown."""
    query(paths.database, "UPDATE variants SET body_json = json_remove(body_json, '$.measurement.speedup')")
    expected = dataclasses.replace(variant.measurement, speedup=None)
    assert filled.repositories.variants.get("v1").measurement == expected


def test_key_after_an_escaped_character_is_found(paths: DataPaths, filled: Store, project: Project) -> None:
    """Given a key right after a letter that JSON escapes, Then it is found whole."""
    filled.repositories.projects.update(dataclasses.replace(project, name=f"ü{'ab' * 32}"))
    assert "ab" * 32 in read_references(paths.database).keys["p1"]
