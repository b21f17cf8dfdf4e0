"""One slot for each device, first come first served."""

import time

import pytest

from app.jobs.queue import JobQueue


class Steps:
    """Work that takes some polls."""

    def __init__(self, polls: int, started: list[str], name: str) -> None:
        started.append(name)
        self._left = polls
        self.cancelled = False

    @property
    def done(self) -> bool:
        return self._left <= 0

    def poll(self) -> int:
        self._left -= 1
        return self._left

    def cancel(self) -> None:
        self.cancelled, self._left = True, 1


@pytest.fixture
def started() -> list[str]:
    return []


def test_one_at_a_time_in_order_on_each_device(started: list[str]) -> None:
    """Given work for two devices, Then one runs on each, in the order of submission."""
    queue = JobQueue()
    for name, device in (("a", "cpu"), ("b", "cpu"), ("g", "cuda:0"), ("c", "cpu")):
        queue.submit(name, lambda name=name: Steps(2, started, name), device)
    queue.poll()
    assert started == ["a", "g"]
    assert (queue.state("a"), queue.state("b"), queue.position("c")) == ("running", "queued", 1)
    while not queue.idle:
        queue.poll()
    assert started == ["a", "g", "b", "c"]
    assert {queue.state(name) for name in "abcg"} == {"finished"}


def test_cancel_waiting_and_running(started: list[str]) -> None:
    """Given running and waiting work, When cancelled, Then the one is asked to stop and the other never starts."""
    queue = JobQueue()
    queue.submit("a", lambda: Steps(1000, started, "a"))
    queue.submit("b", lambda: Steps(1, started, "b"))
    queue.poll()
    queue.cancel("b")
    queue.cancel("a")
    queue.cancel("unknown")
    for _ in range(3):
        queue.poll()
    assert started == ["a"]
    assert (queue.state("a"), queue.state("b"), queue.idle) == ("finished", "cancelled", True)


def test_one_id_is_queued_once(started: list[str]) -> None:
    queue = JobQueue()
    queue.submit("a", lambda: Steps(1, started, "a"))
    with pytest.raises(ValueError, match="already"):
        queue.submit("a", lambda: Steps(1, started, "a"))


def test_work_that_cannot_start_does_not_stop_the_others(started: list[str]) -> None:
    """Given work whose start raises, Then it counts as failed with its error, and the next one runs."""
    queue = JobQueue()

    def broken() -> Steps:
        raise OSError("no more processes")

    queue.submit("a", broken)
    queue.submit("b", lambda: Steps(1, started, "b"))
    while not queue.idle:
        queue.poll()
    assert started == ["b"]
    assert queue.state("a") == "failed"
    assert isinstance(queue.error("a"), OSError)


def test_a_thousand_jobs_are_no_burden(started: list[str]) -> None:
    """Given 1,000 queued jobs, Then a poll takes no longer than a frame, and all of them run."""
    queue = JobQueue()
    for number in range(1000):
        queue.submit(f"{number}", lambda number=number: Steps(1, started, f"{number}"))
    longest = 0.0
    while not queue.idle:
        began = time.perf_counter()
        queue.poll()
        longest = max(longest, time.perf_counter() - began)
    assert started == [f"{number}" for number in range(1000)]
    assert longest < 0.016
