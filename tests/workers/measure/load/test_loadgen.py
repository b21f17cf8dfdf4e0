"""MLCommons LoadGen over sessions of ours: its logs, its verdicts, errors and cancelling in the middle."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.contracts.after.load import LOADGEN_WORDS
from workers.contracts.errors import JobCancelled, WorkerError
from workers.measure.load import loadgen
from workers.measure.load.loadgen import run_scenario
from workers.measure.load.loadgen_log import DETAIL_LOG, read_log
from workers.measure.requests import Requests

CALL_S = 0.002


class Sleeper:
    """A model of 2 ms."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, fail_at: int = -1) -> None:
        self.calls, self.fail_at = 0, fail_at

    def run(self, _feeds: Any) -> dict[str, Any]:
        self.calls += 1
        if self.calls == self.fail_at:
            raise RuntimeError("out of memory")
        time.sleep(CALL_S)
        return {}

    def close(self) -> None: ...


def requests(batch: int = 1) -> Requests:
    return Requests([{"x": np.zeros(1, np.float32)} for _ in range(4)], batch)


def nothing() -> None:
    """Not cancelled."""


@pytest.mark.parametrize("scenario", ["single-stream", "server", "offline"])
def test_each_scenario_measures_what_the_session_does(scenario: Any, tmp_path: Path) -> None:
    """Given a model of 2 ms, Then each scenario's rate and latency are that of it, and LoadGen's logs are kept."""
    found = run_scenario(Sleeper(), requests(), scenario, 0.6, 400.0, tmp_path / scenario, 0, nothing)
    assert (tmp_path / scenario / DETAIL_LOG).is_file()
    assert found.latency.p50_ms >= 0.9 * CALL_S * 1000
    assert 50 < found.throughput_per_s < 1 / CALL_S and found.n > 20
    assert found.seconds >= 0.4
    if scenario == "offline":
        assert found.valid and found.reasons == ()


def test_too_few_requests_are_told_as_invalid(tmp_path: Path) -> None:
    """Given so short a run that its percentile is not known, Then the result is invalid, with LoadGen's own reason."""
    found = run_scenario(Sleeper(), requests(), "server", 0.2, 200.0, tmp_path, 0, nothing)
    assert not found.valid
    assert "too few requests" in found.reasons[0] and "more queries" in " ".join(found.reasons)


@pytest.mark.whole
def test_a_pilot_that_was_too_slow_is_corrected_once(tmp_path: Path) -> None:
    """Given a pilot of a twentieth of the real rate, Then LoadGen runs out of queries, and again by what it saw."""
    session = Sleeper()
    found = run_scenario(session, requests(), "offline", 0.5, 20.0, tmp_path, 0, nothing)
    assert found.valid and found.seconds > 0.4 and found.n < session.calls


def test_ending_early_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no second try, Then the result is invalid, with the reason, and no figure to rely on."""
    monkeypatch.setattr(loadgen, "PLANNED_BY_RATE", ())
    found = run_scenario(Sleeper(), requests(), "offline", 1.0, 20.0, tmp_path, 0, nothing)
    assert not found.valid and found.seconds < 0.5
    assert "It ended before the requested time was over." in found.reasons


def test_items_count_in_batches(tmp_path: Path) -> None:
    found = run_scenario(Sleeper(), requests(batch=4), "offline", 0.4, 400.0, tmp_path, 0, nothing)
    assert found.throughput_per_s > 4 * found.n / (found.seconds * 1.2)


@pytest.mark.whole
def test_an_error_of_the_model_comes_out(tmp_path: Path) -> None:
    """Given a model that fails in the middle, Then its own error is raised and the process lives on."""
    session = Sleeper(fail_at=20)
    with pytest.raises(RuntimeError, match="out of memory"):
        run_scenario(session, requests(), "single-stream", 0.4, 400.0, tmp_path / "a", 0, nothing)
    assert session.calls == 20
    assert run_scenario(Sleeper(), requests(), "offline", 0.3, 400.0, tmp_path / "b", 0, nothing).valid


@pytest.mark.whole
@pytest.mark.parametrize("scenario", ["single-stream", "offline", "server"])
def test_cancelled_it_asks_the_model_no_more(scenario: Any, tmp_path: Path) -> None:
    session = Sleeper()

    def check() -> None:
        if session.calls >= 5:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        run_scenario(session, requests(), scenario, 0.5, 400.0, tmp_path, 0, check)
    assert session.calls == 5


def line(key: str, value: Any, is_error: bool = False) -> str:
    return ":::MLLOG " + json.dumps({"key": key, "value": value, "metadata": {"is_error": is_error}})


def test_logs_are_read_whatever_stands_between(tmp_path: Path) -> None:
    """Given a log with cut lines and errors, Then figures and reasons come out of it."""
    rows = [
        "no log line", ":::MLLOG {cut", line("result_validity", "INVALID"),
        line("result_min_duration_met", False), line("early_stopping_met", True),
        line("result_invalid_reason", "Reduce target QPS"), line("result_query_count", 12),
        line("result_samples_per_second", 34.5), line("result_50.00_percentile_latency_ns", 2e6),
        line("result_max_latency_ns", 9e6), line("error_runtime", "a sample was answered twice", is_error=True),
    ]  # fmt: skip
    (tmp_path / DETAIL_LOG).write_text("\n".join(rows), encoding="utf-8")
    log = read_log(tmp_path)
    assert not log.valid and log.queries == 12 and log.per_s == 34.5
    assert log.latencies_ms == {"50.00": 2.0, "max": 9.0}
    early = "It ended before the requested time was over."
    assert log.reasons == ("a sample was answered twice", early, "Reduce target QPS")


def test_no_result_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, check=lambda error: error.code == "loadgen_without_result"):
        read_log(tmp_path)
    assert "not an MLPerf result" in LOADGEN_WORDS
