"""A short comparison of two ways: each has its own time, nobody always begins, and a cancel ends it."""

import time

import pytest

from workers.contracts.errors import JobCancelled
from workers.convert.in_turn import in_turn


def test_each_way_has_its_own_time() -> None:
    """Given one way that takes three times as long, then its median is the longer one, and both take turns to begin."""
    blocks: list[str] = []

    def way(name: str, seconds: float) -> None:
        blocks.append(name)
        time.sleep(seconds)

    slow_ms, fast_ms = in_turn(lambda: way("slow", 0.03), lambda: way("fast", 0.01), lambda: blocks.append("|"))
    assert slow_ms >= 30 and fast_ms >= 10 and slow_ms > 1.5 * fast_ms
    order = [block[0] for block in "".join(name[0] for name in blocks).split("|")[1:]]
    assert order[:6] == ["s", "f", "f", "s", "s", "f"]


def test_a_cancel_ends_it() -> None:
    def cancel() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        in_turn(lambda: None, lambda: None, cancel)
