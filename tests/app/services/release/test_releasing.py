"""Test releases: they are numbered, compared with the one before, and rolled back byte for byte; none is ever lost."""

import dataclasses
import errno
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flows import go, refusal
from quick_describe import describe_quickly
from released import compared_folder, exported, kept, released
from spaces import opened_space

from app.persistence.errors import StoreUnusable
from app.services.flow.workspace import Workspace
from app.services.projects.projects import delete_for_good, move_to_trash
from app.services.records.decisions import read_decisions
from app.services.records.facts import read_facts
from app.services.release import releasing
from app.services.release.documents import change_words, decision_words, release_document
from app.services.release.record import read_current, read_releases
from app.services.release.releasing import drop_unused, find_project, prune, release, rollback


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Yield a project "p1" with a run "r1": a faster engine (v1, recommended) and a pruned version (v2), 48
    examples."""
    monkeypatch.setattr(releasing, "describe", describe_quickly)
    with opened_space(compared_folder(tmp_path) / "data") as opened:
        yield opened


def test_release_records_changes_and_rollback_restores_the_bytes(space: Workspace, tmp_path: Path) -> None:
    """Given two releases of two versions, Then the second one has changes and figures compared with the first's; a
    rollback returns the first one's bytes, though its exported file was changed."""
    first = released(space, exported(space, tmp_path, "v1", "one"))
    bytes_before = kept(space)[first.file_name]
    second = released(space, exported(space, tmp_path, "v2", "two"))
    assert (first.number, second.number, first.change) == (1, 2, None)
    change = second.change
    assert change.judgement is not None and change.in_turn
    assert change.judgement.n == 48 and change.judgement.changed_count > 0
    assert change.before.latency_p50_ms == 2.0 and second.figures.latency_p50_ms == pytest.approx(4 / 3)
    assert change_words(change).startswith("Compared with release 1: ")
    assert first.signed_by == "ab"
    (tmp_path / "v1-one.zip").write_bytes(b"somebody wrote over it")
    assert go(space, rollback(space, "p1", 1))[1].read_bytes() == bytes_before
    current = read_current(space.repositories, "p1")
    assert (current.number, current.previous) == (1, 2)
    documents = [release_document(one, current) for one in read_releases(space.repositories, "p1")]
    assert [one["current"] for one in documents] == [False, True]
    report = [decision_words(entry) for entry in read_decisions(space.repositories, "p1").entries]
    assert report == ["made release 1", "made release 2 instead of 1", "went back to release 1 instead of 2"]
    go(space, rollback(space, "p1", 2))
    assert read_decisions(space.repositories, "p1").entries[-1].kind == "promoted"


def test_release_reuses_an_intact_export(space: Workspace, tmp_path: Path) -> None:
    """Given an export of the recommended version, When the run is released, Then that bundle is used."""
    record = exported(space, tmp_path, "v1", "one")
    assert go(space, release(space, read_facts(space, "r1")))[0].sha256 == record.sha256
    assert refusal(go, space, release(space, read_facts(space, "r1"))).error.code == "already_released"
    assert len(read_releases(space.repositories, "p1")) == 1


def test_changed_bundle_is_refused(space: Workspace, tmp_path: Path) -> None:
    """Given an export or a stored bundle that was changed, Then it is refused by name, and the current release
    stays."""
    first = released(space, exported(space, tmp_path, "v1", "one"))
    record = exported(space, tmp_path, "v2", "two")
    Path(record.path).write_bytes(b"other bytes")
    before = kept(space)
    error = refusal(released, space, record).error
    assert error.code == "bundle_changed" and kept(space) == before
    released(space, exported(space, tmp_path, "v2", "three"))
    for spoil in (lambda path: path.write_bytes(b"x"), lambda path: path.unlink()):
        spoil(space.paths.releases / first.file_name)
        error = refusal(go, space, rollback(space, "p1", 1)).error
        assert error.code == "release_damaged" and first.file_name in error.detail
    assert read_current(space.repositories, "p1").number == 2


def test_rollback_to_current_or_unknown_release_is_refused(space: Workspace, tmp_path: Path) -> None:
    """Given the current release, or an unknown number, Then the rollback is refused and nothing is written."""
    released(space, exported(space, tmp_path, "v1", "one"))
    released(space, exported(space, tmp_path, "v2", "two"))
    for number, code in ((2, "is_current"), (7, "unknown_release"), (0, "unknown_release")):
        assert refusal(go, space, rollback(space, "p1", number)).error.code == code
    assert len(read_decisions(space.repositories, "p1").entries) == 2
    assert refusal(go, space, rollback(space, "nobody", 1)).error.code == "unknown_project"


def test_project_is_found_by_its_id_or_its_name(space: Workspace) -> None:
    """Given a project's name, Then it is found as by its id; if two have the name, the error lists their ids."""
    project = space.repositories.projects.get("p1")
    assert find_project(space, "p1") == find_project(space, project.name) == project
    space.repositories.projects.add(dataclasses.replace(project, id="p2"))
    assert find_project(space, "p1").id == "p1"
    error = refusal(find_project, space, project.name).error
    assert error.code == "several_projects" and "p1, p2" in error.hint
    assert refusal(find_project, space, "nobody").error.code == "unknown_project"


@pytest.mark.whole
def test_prune_keeps_the_current_and_the_previous_bundle(space: Workspace, tmp_path: Path) -> None:
    """Given six releases and a rollback to the first, When all old bundles are removed, Then the first and the sixth
    stay, the history is complete, and a removed one is refused."""
    for number in range(6):
        released(space, exported(space, tmp_path, f"v{number % 2 + 1}", str(number)))
    go(space, rollback(space, "p1", 1))
    gone = prune(space, "p1", keep=0)
    assert sorted(one.number for one in gone) == [2, 3, 4, 5]
    names = {one.number: one.file_name for one in read_releases(space.repositories, "p1")}
    assert set(kept(space)) == {names[1], names[6]} and len(names) == 6
    assert refusal(go, space, rollback(space, "p1", 3)).error.code == "release_pruned"
    go(space, rollback(space, "p1", 6))
    assert prune(space, "p1", keep=0) == ()


def test_drop_unused_removes_bundles_of_deleted_projects(space: Workspace, tmp_path: Path) -> None:
    """Given two releases, Then their bundles stay until their project is deleted."""
    for number in (1, 2):
        released(space, exported(space, tmp_path, f"v{number}", str(number)))
    known = read_releases(space.repositories, "p1")
    drop_unused(space, known)
    assert set(kept(space)) == {one.file_name for one in known}
    move_to_trash(space.repositories, "p1")
    delete_for_good(space.repositories, "p1")
    drop_unused(space, known)
    assert kept(space) == {}


def test_numbers_order_releases_though_the_clock_goes_back(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a clock that goes back ten years between two releases, Then the second one is number 2 and current, and a
    rollback leads to number 1."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):  # type: ignore[no-untyped-def]
            return datetime(2016, 1, 1, tzinfo=tz)

    released(space, exported(space, tmp_path, "v1", "one"))
    record = exported(space, tmp_path, "v2", "two")
    space.repositories.exports.add(dataclasses.replace(record, id="old", created_at=record.created_at - timedelta(999)))
    monkeypatch.setattr(releasing, "datetime", Clock)
    monkeypatch.setattr("app.services.records.decisions.datetime", Clock)
    second = released(space, record)
    assert second.number == 2 and second.released_at.year == 2016
    assert [one.number for one in read_releases(space.repositories, "p1")] == [2, 1]
    log = read_decisions(space.repositories, "p1")
    assert log.broken_at is None and log.entries[-1].at < log.entries[0].at
    assert go(space, rollback(space, "p1", 1))[0].number == 1


def test_release_that_cannot_be_recorded_is_undone(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a disk that fills when the release is recorded, Then the bundle is removed and the earlier release is
    current."""
    released(space, exported(space, tmp_path, "v1", "one"))
    record, before = exported(space, tmp_path, "v2", "two"), kept(space)

    def full(*_: object, **__: object) -> None:
        raise StoreUnusable("disk_full", tmp_path, "The disk is full.", "Make room.")

    monkeypatch.setattr(releasing, "record_decision", full)
    with pytest.raises(StoreUnusable):
        released(space, record)
    assert kept(space) == before
    assert [one.number for one in read_releases(space.repositories, "p1")] == [1]


@pytest.mark.parametrize("at", range(4))
def test_release_that_cannot_be_stored_loses_nothing(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Given a disk that fills at any write or rename, Then the release is refused, and everything is unchanged."""
    released(space, exported(space, tmp_path, "v1", "one"))
    record, before = exported(space, tmp_path, "v2", "two"), kept(space)
    with monkeypatch.context() as filled:
        fill_at(filled, at)
        assert refusal(released, space, record).error.code == "disk_full"
    assert kept(space) == before
    assert released(space, record).number == 2


def fill_at(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the `at`-th of the calls that need room fail: opening, two syncs, renaming."""
    from app.services.release import keeping

    full = OSError(errno.ENOSPC, "No space left on device")

    def failing(*_: object, **__: object) -> None:
        raise full

    owner, name = ((keeping.os, "open"), (keeping.os, "fsync"), (keeping.Path, "replace"), (keeping, "sync_folder"))[at]
    monkeypatch.setattr(owner, name, failing)
