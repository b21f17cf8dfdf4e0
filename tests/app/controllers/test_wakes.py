"""Who is told that a worker has said something."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from desk import Drive

from app.controllers.wakes import IS_OFFERED, PipeNotifier

Pipe = tuple["Connection[bytes, bytes]", "Connection[bytes, bytes]"]

offered = pytest.mark.skipif(not IS_OFFERED, reason="on Windows a pipe is no socket: the timer looks instead")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def wakes() -> PipeNotifier:
    return PipeNotifier()


@pytest.fixture
def told(wakes: PipeNotifier) -> list[bool]:
    """One entry each time that the notifier reports something."""
    reports: list[bool] = []
    wakes.came.connect(lambda: reports.append(True))
    return reports


@offered
def test_it_is_told_once_and_again_after_the_next_look(
    drive: Drive, pipe: Pipe, wakes: PipeNotifier, told: list[bool]
) -> None:
    """Given a pipe that is watched, When something comes, Then that is told once, however long it stays unread, and again
    where it is watched again."""
    ours, theirs = pipe
    wakes.watch((ours,))
    theirs.send_bytes(b"a block is over")
    drive(lambda: told)
    settle(drive)
    assert told == [True]
    wakes.watch((ours,))
    drive(lambda: len(told) == 2)


@offered
def test_the_end_of_the_other_side_is_told(drive: Drive, pipe: Pipe, wakes: PipeNotifier, told: list[bool]) -> None:
    """Given a pipe and a number of the system's that are watched, When the other end is closed, Then that is told once."""
    ours, theirs = pipe
    wakes.watch((ours, ours.fileno()))
    theirs.close()
    drive(lambda: told)
    settle(drive)
    assert told == [True]


@pytest.mark.parametrize("is_offered", [True, False])
def test_what_is_watched_no_more_or_cannot_be_is_not_told(
    drive: Drive, pipe: Pipe, wakes: PipeNotifier, told: list[bool], monkeypatch: pytest.MonkeyPatch, is_offered: bool
) -> None:
    """Given a pipe that was watched, or Windows, Then what comes is not told: who looks by a timer sees it."""
    ours, theirs = pipe
    if not is_offered:
        monkeypatch.setattr("app.controllers.wakes.IS_OFFERED", False)
    wakes.watch((ours,))
    if is_offered:
        wakes.watch(())
    theirs.send_bytes(b"late")
    settle(drive)
    assert not told


def settle(drive: Drive) -> None:
    """Let the window's loop turn for a while."""
    turns: list[int] = []
    drive(lambda: turns.append(1) or len(turns) > 10)
