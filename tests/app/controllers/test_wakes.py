"""Tests of the notifier for messages of worker processes."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from records import Drive

from app.controllers.pipe_notifier import IS_SUPPORTED, PipeNotifier

Pipe = tuple["Connection[bytes, bytes]", "Connection[bytes, bytes]"]

supported = pytest.mark.skipif(not IS_SUPPORTED, reason="on Windows a pipe is no socket: the timer looks instead")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def notifier() -> PipeNotifier:
    return PipeNotifier()


@pytest.fixture
def reports(notifier: PipeNotifier) -> list[bool]:
    """Return a list that gets an entry for each signal of the notifier."""
    signals: list[bool] = []
    notifier.readable.connect(lambda: signals.append(True))
    return signals


@supported
def test_notifier_reports_once_per_watch(drive: Drive, pipe: Pipe, notifier: PipeNotifier, reports: list[bool]) -> None:
    """Given a watched pipe, when a message arrives, then it is reported once although it stays unread, and again after
    the next watch."""
    ours, theirs = pipe
    notifier.watch((ours,))
    theirs.send_bytes(b"a block is over")
    drive(lambda: reports)
    settle(drive)
    assert reports == [True]
    notifier.watch((ours,))
    drive(lambda: len(reports) == 2)


@supported
def test_notifier_reports_a_closed_pipe(drive: Drive, pipe: Pipe, notifier: PipeNotifier, reports: list[bool]) -> None:
    """Given a watched pipe and its number, when the other end is closed, then that is reported once."""
    ours, theirs = pipe
    notifier.watch((ours, ours.fileno()))
    theirs.close()
    drive(lambda: reports)
    settle(drive)
    assert reports == [True]


@pytest.mark.parametrize("is_supported", [True, False])
def test_notifier_ignores_unwatched_or_unsupported_pipes(
    drive: Drive,
    pipe: Pipe,
    notifier: PipeNotifier,
    reports: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    is_supported: bool,
) -> None:
    """Given a pipe that is no longer watched, or Windows, then a message is not reported."""
    ours, theirs = pipe
    if not is_supported:
        monkeypatch.setattr("app.controllers.pipe_notifier.IS_SUPPORTED", False)
    notifier.watch((ours,))
    if is_supported:
        notifier.watch(())
    theirs.send_bytes(b"late")
    settle(drive)
    assert not reports


def settle(drive: Drive) -> None:
    """Run the window's event loop for a few turns."""
    turns: list[int] = []
    drive(lambda: turns.append(1) or len(turns) > 10)
