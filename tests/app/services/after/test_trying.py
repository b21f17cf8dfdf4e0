"""Test two live versions of the sample: real processes, one input after another, gone within a second."""

import errno
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from finished_run import finished_space, pids_of, write_picture
from flows import codes, refusal

from app.services.after.trying.trying import Lost, TryInput, TryOutcome, TryPair, TryRefusal, _copy
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts, read_facts

Facts = tuple[Workspace, RunFacts]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    """The sample with two versions; treat as read-only."""
    for space in finished_space(tmp_path_factory.mktemp("try")):
        yield space, read_facts(space, "r1")


@pytest.fixture
def pair(run: Facts) -> Iterator[TryPair]:
    """Yield the original and the faster engine."""
    made = TryPair(run[0], run[1], run[1].variants[1])
    yield made
    made.close()
    assert not [folder.name for folder in run[0].jobs.iterdir()], "nothing is left behind"


def until(pair: TryPair, holds: Callable[[], Any] = lambda: False, limit_s: float = 120) -> list[Any]:
    """Poll until an event comes or a condition holds."""
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if events := pair.poll():
            return list(events)
        if holds():
            return []
        time.sleep(0.01)
    raise AssertionError("nothing came")


def test_pair_evaluates_inputs_of_all_kinds(pair: TryPair, tmp_path: Path) -> None:
    """Given two loaded versions, When inputs of all kinds are requested, Then each gets both predictions or a
    reason."""
    path = write_picture(tmp_path / "boot ünï.png", 0, side=90)
    pair.request(TryInput(path=str(path)))
    (tried,) = until(pair)
    assert isinstance(tried, TryOutcome)
    assert tried.before.rows[0][0] == tried.after.rows[0][0] and tried.after.same is True
    assert tried.before.latency_ms > 0 and tried.after.latency_ms > 0
    assert (tried.before.seen.height_px, tried.before.seen.width_px) == (28, 28)
    assert tried.picture.startswith(b"\x89PNG")
    assert len(pids_of(pair)) == 2 and pair.is_loaded and not pair.is_busy

    pair.request(TryInput(png=path.read_bytes()))
    (pasted,) = until(pair)
    assert pasted.before.rows == tried.before.rows

    pair.request(TryInput(path=str(tmp_path / "gone.png")))
    (gone,) = until(pair)
    assert isinstance(gone, TryRefusal) and gone.error.code == "input_unreadable"
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    pair.request(TryInput(path=str(tmp_path / "notes.txt")))
    (text,) = until(pair)
    assert isinstance(text, TryRefusal) and "notes.txt" in text.error.detail

    pair.request(TryInput(item=3))
    (item,) = until(pair)
    assert isinstance(item, TryOutcome) and item.picture == b"" and len(item.before.rows) == 3


def test_only_the_newest_input_is_answered(pair: TryPair) -> None:
    """Given inputs that come faster than answers, Then those that waited are forgotten."""
    for number in range(5):
        pair.request(TryInput(item=number))
    (tried,) = until(pair)
    assert tried.given.item == 4
    assert not pair.is_busy


def test_choose_evaluates_the_open_input_again(run: Facts, pair: TryPair) -> None:
    """Given an input under evaluation, When another version is chosen, Then it is evaluated again with that one."""
    pair.request(TryInput(item=0))
    until(pair, lambda: pair._request is not None)
    first, second = pids_of(pair)
    pair.choose(run[1].variants[2])
    (tried,) = until(pair)
    assert (tried.given.item, pair._other.variant.title) == (0, "Pruned by 90 %")
    assert pids_of(pair)[0] == first and not psutil.pid_exists(second)


def test_close_ends_both_processes_at_once(run: Facts, tmp_path: Path) -> None:
    """Given versions at work, When they are closed, Then their processes and folders are gone."""
    pair = TryPair(run[0], run[1], run[1].variants[1])
    pair.request(TryInput(path=str(write_picture(tmp_path / "a.png"))))
    until(pair, lambda: pair.is_loaded)
    pids = pids_of(pair)
    pair.close()
    assert len(pids) == 2 and not any(psutil.pid_exists(pid) for pid in pids)
    assert list(run[0].jobs.iterdir()) == []


def test_version_whose_process_dies_is_reported_once(pair: TryPair) -> None:
    """Given a killed process, Then that is reported, and nothing more comes."""
    pair.request(TryInput(item=0))
    until(pair)
    psutil.Process(pids_of(pair)[1]).kill()
    (lost,) = until(pair)
    assert isinstance(lost, Lost) and lost.variant.title == "Faster engine" and lost.error.hint
    pair.request(TryInput(item=1))
    assert pair.poll() == []


def test_pair_of_missing_files_is_refused(run: Facts) -> None:
    """Given a version whose model was removed, Then it is refused and nothing is left."""
    space, facts = run
    key = facts.variants[2].artifact_key
    folder = space.artifacts.folder(key)
    folder.rename(folder.with_name("aside"))
    try:
        assert refusal(TryPair, space, facts, facts.variants[2]).error.code == "store_damaged"
        assert list(space.jobs.iterdir()) == []
    finally:
        folder.with_name("aside").rename(folder)


def test_copy_of_a_large_file_can_be_stopped(tmp_path: Path) -> None:
    """Given a file of 100 MB, When the copy is stopped after its first piece, Then nothing more is copied."""
    source = tmp_path / "large.bin"
    with source.open("wb") as file:
        file.truncate(100 << 20)
    requested = iter([False, True])
    with pytest.raises(InterruptedError):
        _copy(TryInput(path=str(source)), tmp_path / "inputs")(lambda: next(requested))
    assert (tmp_path / "inputs" / "large.bin").stat().st_size <= 2 << 20


def test_pair_on_a_full_disk_is_refused(run: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a full disk, When two versions are loaded, Then the error is a full disk, and nothing is left."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = set(run[0].jobs.iterdir())
    monkeypatch.setattr(Workspace, "new_job", full)
    assert codes(TryPair, run[0], run[1], run[1].variants[1]) == ("disk_full", 6)
    assert set(run[0].jobs.iterdir()) == before
