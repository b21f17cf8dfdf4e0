"""The most requests a second within a limit, over a model whose speed is known."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.contracts.after.load import CapacityResult
from workers.measure.load.capacity import CLOSE_SHARE, capacity, is_same
from workers.measure.requests import Requests

CALL_S = 0.0005
SECONDS = 2.0
"""Enough for the queries that LoadGen needs, also where other programs slow the model down."""


class Sleeper:
    """A model of half a millisecond that answers its input; `moody`: and how often it was asked."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, *, moody: bool = False) -> None:
        self.calls, self.moody = 0, moody

    def run(self, feeds: Any) -> dict[str, Any]:
        self.calls += 1
        time.sleep(CALL_S)
        return {"y": feeds["x"] + (self.calls if self.moody else 0)}

    def close(self) -> None: ...


def found(folder: Path, limit_ms: float, *, moody: bool = False, **more: Any) -> CapacityResult:
    requests = Requests([{"x": np.full(3, number, np.float32)} for number in range(6)], **more)
    session = Sleeper(moody=moody)
    began_s = time.perf_counter()
    for number in range(200):
        session.run(requests.feed(number))
    per_s = 200 / (time.perf_counter() - began_s)
    return capacity(session, requests, limit_ms, SECONDS, per_s, folder, 0, lambda: None)


@pytest.mark.whole
def test_the_most_within_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model that answers at most 2,000 a second, When 99 % shall be answered within 100 ms, Then it is found how many
    are: what held and what did not lie close, all inputs were asked for under load, and their answers are the same."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 5)
    result = found(tmp_path, 100.0)
    assert result.per_s is not None and 200 < result.per_s < 1.2 / CALL_S
    held = [one.target_per_s for one in result.tries if one.kept]
    assert result.per_s == max(held)
    if result.too_many_per_s is not None:
        assert result.too_many_per_s > result.per_s
        assert len(result.tries) >= 3 or result.too_many_per_s - result.per_s <= CLOSE_SHARE * result.too_many_per_s
    assert (result.compared, result.changed) == (6, 0)
    assert (tmp_path / "accuracy").is_dir() and (tmp_path / "0" / "mlperf_log_detail.txt").is_file()


@pytest.mark.whole
def test_a_limit_that_no_request_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a limit under the time of one request, Then no rate holds it, and nothing is compared."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 2)
    result = found(tmp_path, 0.2)
    assert result.per_s is None and result.too_many_per_s is not None and result.compared is None
    assert not any(one.kept for one in result.tries)


@pytest.mark.whole
def test_answers_that_load_changes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model whose answers depend on what it was asked before, Then those under load are told to be others; one that
    says that it has a state is not compared."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 1)
    result = found(tmp_path / "a", 100.0, moody=True)
    assert result.compared == 6 and result.changed
    state = {"s": np.zeros(3, np.float32)}
    assert found(tmp_path / "b", 100.0, links={"s": "y"}, state=state).compared is None


@pytest.mark.parametrize(("one", "other", "same"), [
    ([640.0, 0.9], [640.0, 0.3], False), ([640.0, 0.9], [640.0, 0.9002], True), ([640.0, 0.0], [640.0, 1e-4], True),
    ([1.0, 2.0], [1.0, 2.001], True), ([1.0, 2.0], [1.0, 2.01], False), ([1.0, np.nan], [1.0, np.nan], True),
    ([1.0, 2.0], [1.0, np.nan], False), ([1.0], [1.0, 1.0], False), ([], [], True),
])  # fmt: skip
def test_what_counts_as_the_same(one: list[float], other: list[float], same: bool) -> None:
    assert is_same({"y": np.asarray(one)}, {"y": np.asarray(other)}) is same
    assert not is_same({"y": np.asarray([1])}, {"y": np.asarray([2])})
