"""The highest rate of requests within a latency limit, for a model of known speed."""

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
"""Enough for the queries that LoadGen needs, also if other programs slow the model down."""


class Sleeper:
    """A model of half a millisecond that returns its input, and if it `counts`, its number of requests added."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, *, counts: bool = False) -> None:
        self.calls, self.counts = 0, counts

    def run(self, feeds: Any) -> dict[str, Any]:
        self.calls += 1
        time.sleep(CALL_S)
        return {"y": feeds["x"] + (self.calls if self.counts else 0)}

    def close(self) -> None: ...


def measured(folder: Path, limit_ms: float, *, counts: bool = False, **more: Any) -> CapacityResult:
    requests = Requests([{"x": np.full(3, number, np.float32)} for number in range(6)], **more)
    session = Sleeper(counts=counts)
    began_s = time.perf_counter()
    for number in range(200):
        session.run(requests.feed(number))
    per_s = 200 / (time.perf_counter() - began_s)
    return capacity(session, requests, limit_ms, SECONDS, per_s, folder, 0, lambda: None)


@pytest.mark.whole
def test_capacity_is_the_highest_rate_that_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model of at most 2,000 requests a second and a limit of 100 ms, then the highest rate that held is close to
    the lowest that did not, and the predictions under load are the same."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 3)
    result = measured(tmp_path, 100.0)
    assert result.per_s is not None and 200 < result.per_s < 1.2 / CALL_S
    held = [one.target_per_s for one in result.tries if one.kept]
    assert result.per_s == max(held)
    if result.too_many_per_s is not None:
        assert result.too_many_per_s > result.per_s
        assert len(result.tries) >= 3 or result.too_many_per_s - result.per_s <= CLOSE_SHARE * result.too_many_per_s
    assert (result.compared, result.changed) == (6, 0)
    assert (tmp_path / "accuracy").is_dir() and (tmp_path / "0" / "mlperf_log_detail.txt").is_file()


@pytest.mark.whole
def test_limit_below_one_request_has_no_capacity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a limit below the time of one request, then no rate holds it, and nothing is compared."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 2)
    result = measured(tmp_path, 0.2)
    assert result.per_s is None and result.too_many_per_s is not None and result.compared is None
    assert not any(one.kept for one in result.tries)


@pytest.mark.whole
def test_predictions_that_load_changes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a model whose predictions depend on earlier requests, then those under load are counted as changed; a model
    with a declared state is not compared."""
    monkeypatch.setattr("workers.measure.load.capacity.MOST_TRIES", 1)
    result = measured(tmp_path / "a", 100.0, counts=True)
    assert result.compared == 6 and result.changed
    state = {"s": np.zeros(3, np.float32)}
    assert measured(tmp_path / "b", 100.0, links={"s": "y"}, state=state).compared is None


@pytest.mark.parametrize(("one", "other", "same"), [
    ([640.0, 0.9], [640.0, 0.3], False), ([640.0, 0.9], [640.0, 0.9002], True), ([640.0, 0.0], [640.0, 1e-4], True),
    ([1.0, 2.0], [1.0, 2.001], True), ([1.0, 2.0], [1.0, 2.01], False), ([1.0, np.nan], [1.0, np.nan], True),
    ([1.0, 2.0], [1.0, np.nan], False), ([1.0], [1.0, 1.0], False), ([], [], True),
])  # fmt: skip
def test_outputs_are_the_same_within_rounding(one: list[float], other: list[float], same: bool) -> None:
    """Given two outputs, then they are the same within rounding; integers must be equal."""
    assert is_same({"y": np.asarray(one)}, {"y": np.asarray(other)}) is same
    assert not is_same({"y": np.asarray([1])}, {"y": np.asarray([2])})
