"""Test the errors of a faulty database or disk, and that the data stay intact."""

import contextlib
import dataclasses
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from old_tables import fingerprint, query
from sqlalchemy import event

from app.domain.project import Project
from app.domain.proof.looks import TestSetLook
from app.domain.variant import LatencyPoint
from app.instance import DataFolderBusy, InstanceLock
from app.paths import DataFolderUnusable, DataPaths
from app.persistence import Store, StoreUnusable, errors, open_store
from app.services.projects.projects import TRASHED, Trashed


@pytest.fixture
def closed(paths: DataPaths, project: Project) -> DataPaths:
    """Return a closed data folder with one project."""
    with open_store(paths) as store:
        store.repositories.projects.add(project)
    return paths


def refused(paths: DataPaths, **options: bool) -> StoreUnusable:
    """Return the error of opening the store."""
    with pytest.raises(StoreUnusable) as caught:
        open_store(paths, **options)
    return caught.value


NEWER = "UPDATE alembic_version SET version_num = '9999'"
FAULTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "empty": ("database_empty", lambda file: file.write_bytes(b"")),
    "no tables": ("database_empty", lambda file: (file.unlink(), query(file, "VACUUM"))),
    "a letter": ("database_damaged", lambda file: file.write_bytes(b"x")),
    "a page of the web": ("database_damaged", lambda file: file.write_bytes(b"<html>" * 900)),
    "a head alone": ("database_damaged", lambda file: file.write_bytes(b"SQLite format 3\0")),
    "a head and zeros": ("database_damaged", lambda file: file.write_bytes(b"SQLite format 3\0" + b"\0" * 9000)),
    "half of it": ("database_damaged", lambda file: os.truncate(file, file.stat().st_size // 2)),
    "other tables": ("database_foreign", lambda file: (file.unlink(), query(file, "CREATE TABLE notes (text TEXT)"))),
    "a later version": ("database_newer", lambda file: query(file, NEWER)),
}
"""Code of the refusal, and what makes the fault."""


@pytest.mark.parametrize("name", ["../../outside", "/outside", "..", ".git", "", "a\\b", "C:x"])
def test_ids_that_lead_out_of_the_data_folder_are_refused(filled: Store, name: str) -> None:
    """Given a stranger's database with an id or a key that is a path, Then its record is not read."""
    repositories, database = filled.repositories, filled.paths.database
    keys = json.dumps({"artifact_key": name})
    query(database, "UPDATE variants SET body_json = json_patch(body_json, ?)", keys)
    with pytest.raises(StoreUnusable):
        repositories.variants.list("r1")
    query(database, "UPDATE projects SET id = ?", name)
    with pytest.raises(StoreUnusable):
        repositories.projects.list()


@pytest.mark.parametrize("value", ["text", "", 2**63 - 1, -(2**63), 253_402_300_799_999_999, 1e308, float("inf")])
def test_damaged_times_figures_and_sets_are_reported(filled: Store, project: Project, value: object) -> None:
    """Given another value in place of a time or a set, Then its record is refused; requests without a time are left out.

    The last moment of the year 9999 is no time, because it cannot be shown in each zone.
    """
    repositories, database, now = filled.repositories, filled.paths.database, project.created_at
    repositories.latencies.add_many("r1", [LatencyPoint("v1", 1.0, 2.0), LatencyPoint("v1", 3.0, 4.0)])
    repositories.looks.put(TestSetLook("ab" * 32, "r1", 1, ("v1",), frozenset((1, 2)), False, now))
    repositories.records.put(TRASHED, "p1", Trashed(at=now))
    query(database, "UPDATE latencies SET at_s = ? WHERE latency_ms = 4", value)
    query(database, "UPDATE project_records SET written_at = ?", value)
    assert [point.at_s for point in repositories.latencies.of_run("r1")] == [1.0]
    assert repositories.latencies.last_s("r1") == 1.0
    assert repositories.records.by_owner(TRASHED) == {"p1": Trashed(at=now)}
    for change, read in (
        ("projects SET updated_at", repositories.projects.list),
        ("runs SET created_at", repositories.runs.list),
        ("looks SET items", lambda: repositories.looks.of_model("ab" * 32)),
    ):
        query(database, f"UPDATE {change} = ?", value)
        with pytest.raises(StoreUnusable) as caught:
            read()
        assert caught.value.code == "database_damaged"


@pytest.mark.parametrize("fault", FAULTS)
def test_open_store_with_unusable_database_is_refused_without_a_change(closed: DataPaths, fault: str) -> None:
    """Given a fault, Then writing and reading are refused alike, no file is changed, and the folder is free again."""
    code, spoil = FAULTS[fault]
    spoil(closed.database)
    before = fingerprint(closed.root)
    for read_only in (False, True):
        error = refused(closed, read_only=read_only)
        assert (error.code, error.exit_code) == (code, 6)
        assert error.detail.endswith(".") and error.hint.endswith(".")
    assert fingerprint(closed.root) == before
    InstanceLock.take(closed, "command", "x").release()


def test_newer_database_with_unmoved_commits_is_not_changed(closed: DataPaths, tmp_path: Path) -> None:
    """Given a later program that was killed, so that commits are in the -wal file, Then both files stay unchanged."""
    other = DataPaths(tmp_path / "copy")
    connection = sqlite3.connect(closed.database)
    connection.execute(NEWER)
    connection.commit()
    shutil.copytree(closed.root, other.root)  # as a kill leaves it
    connection.close()
    wal = other.root / "fettle.db-wal"
    before = other.database.read_bytes(), wal.read_bytes()
    assert refused(other).code == "database_newer"
    assert (other.database.read_bytes(), wal.read_bytes()) == before


def test_locked_database_is_reported(closed: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given another tool that has locked the file, When Fettle opens it, Then it is refused instead of waiting
    forever."""
    monkeypatch.setattr("app.persistence.engine.BUSY_TIMEOUT_S", 0.1)
    other = sqlite3.connect(closed.database, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with contextlib.closing(other):
        assert refused(closed).code == "database_locked"
    open_store(closed).close()


def test_overwritten_bytes_are_always_detected(filled: Store) -> None:
    """Given 60 copies, each with 32 random bytes overwritten, Then each is refused or reported."""
    filled.repositories.latencies.add_many("r1", [LatencyPoint("v1", n, 1.0) for n in range(2000)])
    filled.close()
    paths = filled.paths
    whole = paths.database.read_bytes()
    seal = (paths.root / "fettle.db.sha256").read_bytes()
    chance = random.Random(1)
    report = 0
    for _ in range(60):
        place = chance.randrange(len(whole) - 32)
        paths.database.write_bytes(whole[:place] + chance.randbytes(32) + whole[place + 32 :])
        (paths.root / "fettle.db.sha256").write_bytes(seal)
        for companion in ("-wal", "-shm"):
            (paths.root / f"fettle.db{companion}").unlink(missing_ok=True)
        try:
            with open_store(paths) as store:
                assert "changed outside Fettle" in store.notices[0]
                report += 1
                store.repositories.runs.list()
                store.repositories.variants.list("r1")
        except StoreUnusable as error:
            assert error.code.startswith("database_")
    assert report > 0  # SQLite's own check alone would have let these pass


def test_full_disk_keeps_stored_records(filled: Store, project: Project) -> None:
    """Given a database that cannot grow, When much is added, Then none of it is stored, and the rest continues to
    work."""

    def cannot_grow(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(filled._engine, "checkout", cannot_grow)
    points = [LatencyPoint("v1", n, 1.0) for n in range(20_000)]
    with pytest.raises(StoreUnusable) as caught:
        filled.repositories.latencies.add_many("r1", points)
    assert caught.value.code == "disk_full" and "is safe" in caught.value.detail
    assert not [*filled.repositories.latencies.of_run("r1")]
    filled.repositories.projects.update(dataclasses.replace(project, page="compare"))
    assert filled.repositories.projects.get("p1").page == "compare"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (sqlite3.SQLITE_CORRUPT, "database_damaged"),
        (sqlite3.SQLITE_NOTADB, "database_damaged"),
        (sqlite3.SQLITE_FULL, "disk_full"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database_locked"),
        (sqlite3.SQLITE_LOCKED, "database_locked"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "database_read_only"),
        (sqlite3.SQLITE_PERM, "database_read_only"),
        (sqlite3.SQLITE_IOERR_FSYNC, "database_unreadable"),
        (sqlite3.SQLITE_CANTOPEN, "database_unreadable"),
        (sqlite3.SQLITE_NOMEM, "database_unreadable"),
    ],
)
def test_each_error_of_the_database_has_its_code(code: int, name: str) -> None:
    error = sqlite3.OperationalError("the text of SQLite")
    error.sqlite_errorcode = code
    words = errors.in_words(error, Path("/data/fettle.db"))
    assert words.code == name and "/data/fettle.db" in words.detail


def test_failed_write_on_a_full_disk_is_reported_as_such(small_disk: Path) -> None:
    """Given a disk without room, When SQLite reports only a failed write, Then the full disk is named."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    database = small_disk / "fettle.db"
    words = errors.in_words(error, database)
    assert words.code == "database_unreadable"
    with (small_disk / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 12))
    words = errors.in_words(error, database)
    assert (words.code, words.exit_code) == ("disk_full", 6)
    assert str(database) in words.detail and "0 bytes are free" in words.detail


def test_bugs_of_the_program_are_not_translated() -> None:
    error = sqlite3.IntegrityError("FOREIGN KEY constraint failed")
    error.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    assert errors.in_words(error, Path("x")) is None


def test_two_programs_at_once(filled: Store, project: Project) -> None:
    """Given an open store, When a second program opens it, Then it may read, and writing names the first."""
    with pytest.raises(DataFolderBusy, match="Fettle \\(process"):
        open_store(filled.paths)
    with open_store(filled.paths, read_only=True) as reader:
        assert reader.repositories.projects.list() == [project]
        filled.repositories.projects.update(dataclasses.replace(project, page="export"))
        assert reader.repositories.projects.get("p1").page == "export"
        with pytest.raises(StoreUnusable) as caught:
            reader.repositories.projects.add(dataclasses.replace(project, id="p2"))
        assert caught.value.code == "database_read_only"


def test_the_windows_own_lock_stays_its_own(paths: DataPaths) -> None:
    lock = InstanceLock.take(paths, "window", "Fettle's window")
    open_store(paths, lock=lock).close()
    with pytest.raises(DataFolderBusy, match="Fettle's window"):
        open_store(paths)
    lock.release()
    open_store(paths).close()


def test_reading_before_anything_was_stored(tmp_path: Path) -> None:
    """Given no data folder, When it is read, Then it is empty, and nothing is created on the disk."""
    with open_store(tmp_path / "none", read_only=True) as store:
        assert store.repositories.runs.list() == [] and store.repositories.projects.list() == []
    assert not (tmp_path / "none").exists()


def test_a_disk_that_allows_reading_only(closed: DataPaths, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a folder that cannot be written, Then reading works and creates nothing, and writing is refused."""
    monkeypatch.setattr("app.persistence.engine.os.access", lambda *_: False)
    before = fingerprint(closed.root)
    with open_store(closed, read_only=True) as store:
        assert store.repositories.projects.list() == [project]
        assert fingerprint(closed.root) == before
    monkeypatch.setattr("app.instance.os.open", Mock(side_effect=OSError(30, "Read-only file system")))
    with pytest.raises(DataFolderUnusable) as caught:
        open_store(closed)
    assert caught.value.code == "data_folder_read_only"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(closed: DataPaths, project: Project) -> None:
    closed.lock.chmod(0o400)
    closed.root.chmod(0o500)
    try:
        with open_store(closed, read_only=True) as store:
            assert store.repositories.projects.list() == [project]
        with pytest.raises(DataFolderUnusable, match="no right"):
            open_store(closed)
    finally:
        closed.root.chmod(0o700)


def test_a_new_database_needs_room(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a full disk, When the first database is created, Then that is reported and nothing partial is left."""
    monkeypatch.setattr("app.persistence.migrate.move_synced", Mock(side_effect=OSError(28, "No space left on device")))
    assert "No space left" in str(refused(paths))
    assert not list(paths.root.glob("fettle.db*"))
    monkeypatch.undo()
    open_store(paths).close()
