"""A short comparison of two functions: each has its own time, they begin by turns, and a cancel ends it."""

import time
from statistics import median

import pytest

from workers.contracts.errors import JobCancelled
from workers.convert.inference.in_turn import in_turn

HOW = {"rounds": 7, "least_rounds": 2, "block_s": 0.04, "max_s": 4.0}


def test_in_turn_gives_each_function_its_time() -> None:
    """Given one function that takes three times as long, Then its median is the longer one, and both take turns to begin."""
    blocks: list[str] = []

    def work(name: str, seconds: float) -> None:
        blocks.append(name)
        time.sleep(seconds)

    rounds = in_turn(lambda: work("slow", 0.03), lambda: work("fast", 0.01), lambda: blocks.append("|"), median, **HOW)
    assert len(rounds) == 7
    slow_s, fast_s = (median(column) for column in zip(*rounds, strict=True))
    assert slow_s >= 0.03 and fast_s >= 0.01 and slow_s > 1.5 * fast_s
    order = [block[0] for block in "".join(name[0] for name in blocks).split("|")[1:]]
    assert order[:3] == ["s", "f", "s"]


def test_in_turn_without_time_makes_the_least_rounds() -> None:
    """Given no time at all, Then the least number of rounds is made."""
    assert len(in_turn(lambda: None, lambda: None, lambda: None, median, **{**HOW, "max_s": 0.0, "block_s": 1e-9})) == 2


def test_in_turn_is_cancelled() -> None:
    def cancel() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        in_turn(lambda: None, lambda: None, cancel, median, **HOW)
