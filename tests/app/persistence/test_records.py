"""What is kept beside projects, runs and versions: typed, deleted with its owner, damage told and set aside."""

import dataclasses
import logging
import os

import pytest
from old_tables import query
from sqlalchemy.exc import IntegrityError

from app.domain.record import Owner, RecordKind
from app.domain.run import Run
from app.persistence import Store, open_store
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


def test_each_kind_comes_back_as_what_it_was(filled: Store) -> None:
    """Given a record of each kind, When the store is opened again, Then each is there by its owner, and a new one stands
    in place of the old."""
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
def test_an_owner_may_have_one_for_each_of_its_items(filled: Store, item: str) -> None:
    """Given items of any name, Then each has its own record, and the one without a name stays apart."""
    records = filled.repositories.records
    records.put(OF_PROJECT, "p1", Note(text=item), item)
    records.put(OF_PROJECT, "p1", Note(text="all"))
    assert records.get(OF_PROJECT, "p1", item) == Note(text=item)
    assert records.by_owner(OF_PROJECT) == {"p1": Note(text="all")}
    records.delete(OF_PROJECT, "p1", item)
    assert records.get(OF_PROJECT, "p1", item) is None and records.get(OF_PROJECT, "p1") == Note(text="all")


def test_the_last_written_come_first(filled: Store, run: Run) -> None:
    """Given records of several runs, Then they come in the order in which they were written, of the asked-for owners, as
    many as asked for."""
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
    all that belongs to it are gone from the tables, and the others are there."""
    for kind, owner_id in KINDS.items():
        filled.repositories.records.put(kind, owner_id, Note(text="x"))
    found = filled.repositories
    {"p1": found.projects, "r1": found.runs, "v1": found.variants}[deleted].delete(deleted)
    assert {kind for kind, owner_id in KINDS.items() if found.records.get(kind, owner_id)} == left
    counts = [len(rows(filled, f"{owner.value}_records")) for owner in Owner]
    assert counts == [sum(kind.owner is owner for kind in left) for owner in Owner]


def test_nothing_is_kept_of_what_is_not_there(filled: Store) -> None:
    """Given an owner that does not exist, Then its record is refused, and a change of which it is a part is undone."""
    found = filled.repositories
    with pytest.raises(IntegrityError):
        found.records.put(OF_RUN, "none", Note(text="x"))
    with pytest.raises(IntegrityError), found.together():
        found.records.put(OF_RUN, "r1", Note(text="x"))
        found.records.put(OF_VARIANT, "none", Note(text="x"))
    assert found.records.get(OF_RUN, "r1") is None


DAMAGED = ["", "{", "null", "7", '{"text": 7}', '{"text": "x", "new": 1}', '{"text": "x"}{', "[" * 100_000]


@pytest.mark.parametrize("body", DAMAGED, ids=[body[:24] or "empty" for body in DAMAGED])
def test_a_damaged_record_is_told_and_set_aside(filled: Store, caplog: pytest.LogCaptureFixture, body: str) -> None:
    """Given a record whose text is damaged or a later version's, Then it counts as not there, which is logged once; the
    others are read; and before a new one takes its place its bytes are set aside."""
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


def test_reader_beside_a_writer_sees_whole_transactions(filled: Store) -> None:
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
