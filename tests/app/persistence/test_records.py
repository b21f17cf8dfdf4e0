"""Test stored projects, runs and versions, and the typed records that belong to them."""

import dataclasses
import logging
import os
from datetime import UTC, datetime, timedelta

import pytest
from old_tables import query
from sqlalchemy.exc import IntegrityError

from app.domain.job import ArtifactRecord, ExportRecord, JobRecord
from app.domain.project import Project
from app.domain.proof.looks import TestSetLook
from app.domain.record import Owner, RecordKind
from app.domain.run import Run, RunState, StepRecord
from app.domain.variant import LatencyPoint, Variant
from app.persistence import NotFound, Store, open_store
from workers.contracts.base import Frozen


class Note(Frozen):
    text: str
    numbers: tuple[int, ...] = ()


OF_PROJECT = RecordKind("note", Owner.PROJECT, Note)
OF_RUN = RecordKind("note", Owner.RUN, Note)
OTHER_OF_RUN = RecordKind("other", Owner.RUN, Note)
OF_VARIANT = RecordKind("note", Owner.VARIANT, Note)
KINDS = {OF_PROJECT: "p1", OF_RUN: "r1", OTHER_OF_RUN: "r1", OF_VARIANT: "v1"}


def rows(store: Store, table: str) -> list[tuple[object, ...]]:
    return query(store.paths.database, f"SELECT * FROM {table}")


def test_record_of_each_kind_is_read_unchanged(filled: Store) -> None:
    """Given a record of each kind, When the store is opened again, Then each is read by its owner, and a new one
    replaces the old one."""
    records = filled.repositories.records
    for kind, owner_id in KINDS.items():
        assert records.get(kind, owner_id) is None
        records.put(kind, owner_id, Note(text="before"))
        records.put(kind, owner_id, Note(text=f"ü {kind.owner}", numbers=(1, 2)))
    with open_store(filled.paths, read_only=True) as reader:
        for kind, owner_id in KINDS.items():
            note = Note(text=f"ü {kind.owner}", numbers=(1, 2))
            assert reader.repositories.records.get(kind, owner_id) == note
            assert reader.repositories.records.by_owner(kind) == {owner_id: note}
    records.delete(OF_RUN, "r1")
    assert records.get(OF_RUN, "r1") is None and records.get(OTHER_OF_RUN, "r1") is not None


@pytest.mark.parametrize("item", ["/data/ünï", os.fsdecode(b"/m/\xff"), "a\0b", "x" * 4000])
def test_owner_has_one_record_per_item(filled: Store, item: str) -> None:
    """Given items with any name, Then each has its own record, and the one without an item stays apart."""
    records = filled.repositories.records
    records.put(OF_PROJECT, "p1", Note(text=item), item)
    records.put(OF_PROJECT, "p1", Note(text="all"))
    assert records.get(OF_PROJECT, "p1", item) == Note(text=item)
    assert records.by_owner(OF_PROJECT) == {"p1": Note(text="all")}
    records.delete(OF_PROJECT, "p1", item)
    assert records.get(OF_PROJECT, "p1", item) is None and records.get(OF_PROJECT, "p1") == Note(text="all")


def test_by_owner_returns_the_last_written_first(filled: Store, run: Run) -> None:
    """Given records of several runs, Then they are returned in the order of writing, filtered and limited as
    requested."""
    records = filled.repositories.records
    for number in range(5):
        filled.repositories.runs.add(dataclasses.replace(run, id=f"n{number}"))
        records.put(OF_RUN, f"n{number}", Note(text=str(number)))
    records.put(OF_RUN, "n1", Note(text="again"))
    assert list(records.by_owner(OF_RUN, limit=3)) == ["n1", "n4", "n3"]
    assert list(records.by_owner(OF_RUN, ["n0", "n1", "none"])) == ["n1", "n0"]
    assert records.by_owner(OF_RUN, []) == {}


@pytest.mark.parametrize(
    ("deleted", "left"), [("v1", {OF_PROJECT, OF_RUN, OTHER_OF_RUN}), ("r1", {OF_PROJECT}), ("p1", set())]
)
def test_records_go_with_their_owner(filled: Store, deleted: str, left: set[RecordKind[Note]]) -> None:
    """Given records of a project, its run and its version, When one of these is deleted, Then its records and those of
    everything below it are gone, and the others stay."""
    for kind, owner_id in KINDS.items():
        filled.repositories.records.put(kind, owner_id, Note(text="x"))
    found = filled.repositories
    {"p1": found.projects, "r1": found.runs, "v1": found.variants}[deleted].delete(deleted)
    assert {kind for kind, owner_id in KINDS.items() if found.records.get(kind, owner_id)} == left
    counts = [len(rows(filled, f"{owner.value}_records")) for owner in Owner]
    assert counts == [sum(kind.owner is owner for kind in left) for owner in Owner]


def test_record_without_an_owner_is_refused(filled: Store) -> None:
    """Given an owner that does not exist, Then its record is refused, and the transaction is undone."""
    found = filled.repositories
    with pytest.raises(IntegrityError):
        found.records.put(OF_RUN, "none", Note(text="x"))
    with pytest.raises(IntegrityError), found.together():
        found.records.put(OF_RUN, "r1", Note(text="x"))
        found.records.put(OF_VARIANT, "none", Note(text="x"))
    assert found.records.get(OF_RUN, "r1") is None


DAMAGED = ["", "{", "null", "7", '{"text": 7}', '{"text": "x", "new": 1}', '{"text": "x"}{', "[" * 100_000]


@pytest.mark.parametrize("body", DAMAGED, ids=[body[:24] or "empty" for body in DAMAGED])
def test_damaged_record_is_logged_and_set_aside(filled: Store, caplog: pytest.LogCaptureFixture, body: str) -> None:
    """Given a damaged record or one of a later version, Then it counts as missing, which is logged once; others are
    read; and its bytes are set aside before a new one replaces it."""
    records = filled.repositories.records
    records.put(OF_RUN, "r1", Note(text="x"))
    records.put(OTHER_OF_RUN, "r1", Note(text="y"))
    query(filled.paths.database, "UPDATE run_records SET body_json = ? WHERE kind = 'note'", body)
    with caplog.at_level(logging.WARNING, logger="app"):
        assert records.get(OF_RUN, "r1") is None and records.by_owner(OF_RUN) == {}
        assert records.get(OF_RUN, "r1") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"] and "r1" in caplog.text
    assert records.get(OTHER_OF_RUN, "r1") == Note(text="y")
    assert rows(filled, "records_set_aside") == []
    records.put(OF_RUN, "r1", Note(text="new"))
    assert records.get(OF_RUN, "r1") == Note(text="new")
    ((_, name, owner_id, kept, _, _),) = rows(filled, "records_set_aside")
    assert (name, owner_id, kept) == ("note:r1", "r1", body.encode())
    records.forget_aside(["p1", "v1"])
    assert len(rows(filled, "records_set_aside")) == 1
    records.forget_aside(["r1"])
    assert rows(filled, "records_set_aside") == []


def test_reader_sees_whole_transactions_of_a_writer(filled: Store) -> None:
    """Given an open store, When another program reads the folder, Then it sees each record as soon as it is written."""
    records = filled.repositories.records
    records.put(OF_RUN, "r1", Note(text="first"))
    with open_store(filled.paths, read_only=True) as reader:
        assert reader.repositories.records.get(OF_RUN, "r1") == Note(text="first")
        with filled.repositories.together():
            records.put(OF_RUN, "r1", Note(text="second"))
            records.put(OF_VARIANT, "v1", Note(text="second"))
            assert reader.repositories.records.get(OF_RUN, "r1") == Note(text="first")
        for kind, owner_id in ((OF_RUN, "r1"), (OF_VARIANT, "v1")):
            assert reader.repositories.records.get(kind, owner_id) == Note(text="second")


NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


def test_every_record_is_read_unchanged_after_closing(
    filled: Store, project: Project, run: Run, variant: Variant
) -> None:
    """Given one of each kind, When the store is closed and opened for reading, Then all fields are unchanged."""
    job = JobRecord("j1", "apply", "INT8", "finished", "cpu", NOW, run_id="r1", started_at=NOW, log_path="logs/j1.log")
    export = ExportRecord("e1", "r1", "v1", "python", "/d.zip", "cd" * 32, 3_100_000, NOW, "[]", override_reason="why")
    artifact = ArtifactRecord("k1", "apply", "ef" * 32, 12, NOW, '{"seed": 0}')
    step = StepRecord("r1", 0, "Open the model", "done", detail="d", figure="0.4 s", started_s=0.0, seconds=0.4)
    points = [LatencyPoint("v1", 1.5, 0.25), LatencyPoint("v1", 1.6, 0.75)]
    repositories = filled.repositories
    repositories.jobs.add(job)
    repositories.exports.add(export)
    repositories.artifacts.add(artifact)
    repositories.runs.put_step(step)
    repositories.latencies.add_many("r1", points)
    repositories.settings.put("describe", Note(text="ü").model_dump(mode="json"))
    with open_store(filled.paths, read_only=True) as reader:
        read = reader.repositories
        assert read.projects.get("p1") == project and read.projects.list() == [project]
        assert read.runs.get("r1") == run and read.runs.list(project_id="p1") == [run]
        assert read.variants.get("v1") == variant and read.variants.list(run_id="r1") == [variant]
        assert read.jobs.list() == [job] and read.exports.list("r1") == [export]
        assert read.artifacts.get("k1") == artifact
        assert read.runs.steps("r1") == [step]
        assert list(read.latencies.of_run("r1")) == points
        assert read.settings.read("describe", Note) == Note(text="ü")


def test_updates_replace(filled: Store, project: Project, run: Run, variant: Variant) -> None:
    repositories = filled.repositories
    new_run = dataclasses.replace(run, state=RunState.FINISHED, headline="3.4 times faster", goal=run.goal)
    new_variant = dataclasses.replace(variant, judgement=None, notes=(), state="dropped")
    repositories.projects.update(dataclasses.replace(project, page="compare"))
    repositories.runs.update(new_run)
    repositories.variants.update(new_variant)
    repositories.runs.put_step(StepRecord("r1", 0, "Open", "running"))
    repositories.runs.put_step(StepRecord("r1", 0, "Open", "done", seconds=2.0))
    repositories.settings.put("a", 1)
    repositories.settings.put("a", {"text": "two"})
    job, artifact = (
        JobRecord("j1", "apply", "t", "running", "cpu", NOW),
        ArtifactRecord("k1", "apply", "ef" * 32, 12, NOW),
    )
    repositories.jobs.add(job)
    repositories.jobs.set_run("j1", "r1")
    repositories.jobs.end(dataclasses.replace(job, state="finished"))
    for size in (12, 13):
        repositories.artifacts.put(dataclasses.replace(artifact, size_bytes=size))
    assert repositories.jobs.get("j1") == dataclasses.replace(job, state="finished", run_id="r1")
    assert repositories.artifacts.get("k1").size_bytes == 13
    assert repositories.projects.get("p1").page == "compare"
    assert repositories.runs.get("r1") == new_run
    assert repositories.variants.get("v1") == new_variant
    assert [step.state for step in repositories.runs.steps("r1")] == ["done"]
    assert repositories.settings.read("a", Note) == Note(text="two")


def test_values_nested_too_deeply_count_as_missing(filled: Store, project: Project) -> None:
    """Given a remembered value and documents inside records that are nested too deeply, Then they count as missing."""
    deep, now = "[" * 100_000, project.created_at
    filled.repositories.settings.put("a", {"text": "two"})
    query(filled.paths.database, "UPDATE settings SET value_json = ?", deep)
    assert filled.repositories.settings.read("a", Note) is None
    assert ArtifactRecord("k", "open", "0" * 64, 1, now, deep).job_id == ""
    assert ExportRecord("e", "r1", "v1", "onnx", "/x", "0" * 64, 1, now, deep).signed_by == ""


def test_missing_records_raise_not_found(filled: Store, run: Run) -> None:
    repositories = filled.repositories
    with pytest.raises(NotFound):
        repositories.runs.get("none")
    with pytest.raises(NotFound):
        repositories.runs.update(dataclasses.replace(run, id="none"))
    repositories.runs.delete("none")
    repositories.settings.delete("none")
    assert repositories.settings.read("none", Note) is None


def test_record_that_refers_to_a_missing_one_is_refused(filled: Store, run: Run, variant: Variant) -> None:
    """Given foreign keys, When a record of an unknown run is added, Then it is refused and nothing is stored."""
    with pytest.raises(IntegrityError):
        filled.repositories.runs.add(dataclasses.replace(run, id="r2", project_id="none"))
    with pytest.raises(IntegrityError):
        filled.repositories.variants.add(variant)
    points = [LatencyPoint("v1", 0, 1.0), LatencyPoint("none", 0, 1.0)]
    with pytest.raises(IntegrityError):
        filled.repositories.latencies.add_many("r1", points)
    assert not [*filled.repositories.latencies.of_run("r1")]


def test_deleting_a_project_deletes_its_runs_and_keeps_the_jobs(filled: Store) -> None:
    repositories = filled.repositories
    repositories.jobs.add(JobRecord("j1", "apply", "t", "finished", "cpu", NOW, run_id="r1"))
    repositories.latencies.add_many("r1", [LatencyPoint("v1", 0, 1.0)])
    repositories.runs.put_step(StepRecord("r1", 0, "Open", "done"))
    repositories.projects.delete("p1")
    assert repositories.runs.list() == [] and repositories.variants.list("r1") == []
    assert not [*repositories.latencies.of_run("r1")] and repositories.runs.steps("r1") == []
    assert repositories.jobs.get("j1").run_id is None


def test_orders_and_filters(filled: Store, project: Project, run: Run) -> None:
    repositories = filled.repositories
    later = NOW + timedelta(microseconds=1)
    repositories.projects.add(dataclasses.replace(project, id="p0", updated_at=later))
    repositories.runs.add(dataclasses.replace(run, id="r0", created_at=later, state=RunState.FINISHED))
    assert [entry.id for entry in repositories.projects.list()] == ["p0", "p1"]
    assert [entry.id for entry in repositories.runs.list()] == ["r0", "r1"]
    assert [entry.id for entry in repositories.runs.list(state=RunState.FINISHED)] == ["r0"]
    assert repositories.runs.list(project_id="p0") == []


def test_a_thousand_jobs_are_read_in_pages(store: Store) -> None:
    """Given 1,000 jobs, many of the same moment, When they are read page by page, Then each comes once, newest
    first."""
    jobs = store.repositories.jobs
    for number in range(1000):
        jobs.add(JobRecord(f"j{number:04}", "bench", "t", "finished", "cpu", NOW + timedelta(seconds=number // 50)))
    seen: list[JobRecord] = []
    while page := jobs.list(before=seen[-1] if seen else None, limit=130):
        seen += page
    assert len({job.id for job in seen}) == 1000
    assert [job.created_at for job in seen] == sorted((job.created_at for job in seen), reverse=True)
    assert len(jobs.list(state="finished")) == 200 and jobs.list(state="failed") == []


def test_look_replaces_the_one_of_same_run_number_and_items(store: Store) -> None:
    """Given a look at items of 64 bits, When it is stored again, Then it is replaced; another number or set stays
    apart."""
    looks, items = store.repositories.looks, frozenset({0, 7, 2**64 - 1})
    first = TestSetLook("ab", "r1", 0, ("v1",), items, True, NOW)
    later = dataclasses.replace(first, versions=("v1", "v2"), is_open=False)
    others = [dataclasses.replace(first, number=1), dataclasses.replace(first, items=frozenset({7}))]
    for look in (first, *others, later):
        looks.put(look)
    looks.put(dataclasses.replace(first, model_sha256="cd"))
    assert looks.of_model("ab") == [later, *others]


@pytest.mark.whole
def test_a_hundred_thousand_latencies_are_stored_and_read_in_pages(filled: Store) -> None:
    """Given 100,000 points, Then they are stored, and pages continue by number."""
    points = [LatencyPoint("v1", number / 1000, number % 7 + 0.5) for number in range(100_000)]
    filled.repositories.latencies.add_many("r1", points)
    first, after = filled.repositories.latencies.page("r1", limit=60_000)
    second, end = filled.repositories.latencies.page("r1", after, limit=60_000)
    assert first + second == points and end == 0
    filled.repositories.latencies.add_many("r1", [])


@pytest.mark.parametrize("name", [os.fsdecode(b"/m/\xff\xfe"), "/m/\ud83d", "a\0b", "\u202etxt.exe", "x" * 255, ""])
def test_any_name_is_read_unchanged(store: Store, project: Project, name: str) -> None:
    """Given a file name that is no valid text, Then the path is read byte for byte."""
    store.repositories.projects.add(dataclasses.replace(project, name=name, model_path=name))
    assert store.repositories.projects.get("p1").model_path == name
    assert store.repositories.projects.list()[0].name == name


def test_times_without_a_zone_are_refused(store: Store, project: Project) -> None:
    naive = dataclasses.replace(project, created_at=datetime(2026, 1, 1))
    with pytest.raises(Exception, match="timezone"):
        store.repositories.projects.add(naive)
    assert store.repositories.projects.list() == []


def test_together_writes_all_or_nothing(store: Store, project: Project, run: Run) -> None:
    """Given several records written together, When one of them fails, Then none is stored; inside they see each other,
    and afterwards each call is its own transaction again."""
    found = store.repositories
    with pytest.raises(IntegrityError), found.together():
        found.projects.add(project)
        assert found.projects.get(project.id) == project
        found.runs.add(dataclasses.replace(run, project_id="nobody"))
    assert found.projects.list() == []
    with found.together():
        found.projects.add(project)
        found.runs.add(run)
    found.projects.update(dataclasses.replace(project, page="compare"))
    assert found.projects.get(project.id).page == "compare"
    assert found.runs.list() == [run]
