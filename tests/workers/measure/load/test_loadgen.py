"""Scenarios of MLCommons LoadGen: logs, verdicts, errors and cancellation."""

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
    """A model that takes 2 ms and may fail at one request."""

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
    """Serve as the check for cancellation of a job that is never cancelled."""


@pytest.mark.parametrize("scenario", ["single-stream", "server", "offline"])
def test_scenario_measures_rate_and_latency(scenario: Any, tmp_path: Path) -> None:
    """Given a model of 2 ms, then each scenario has its rate and latency, and LoadGen's logs are kept; offline counts the
    items of batches."""
    result = run_scenario(Sleeper(), requests(4), scenario, 0.6, 400.0, tmp_path / scenario, 0, nothing)
    assert (tmp_path / scenario / DETAIL_LOG).is_file()
    assert result.latency.p50_ms >= 0.9 * CALL_S * 1000
    assert 200 < result.throughput_per_s < 4 / CALL_S and result.n > 20
    assert result.seconds >= 0.4
    if scenario == "offline":
        assert result.valid and result.reasons == () and result.throughput_per_s > 4 * result.n / (result.seconds * 1.2)


def test_run_with_too_few_requests_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a run that is too short for its percentile, or ends early without a second try, then the result is invalid,
    with LoadGen's reason."""
    result = run_scenario(Sleeper(), requests(), "server", 0.2, 200.0, tmp_path, 0, nothing)
    assert not result.valid
    assert "too few requests" in result.reasons[0] and "more queries" in " ".join(result.reasons)
    monkeypatch.setattr(loadgen, "PLANNED_BY_RATE", ())
    result = run_scenario(Sleeper(), requests(), "offline", 1.0, 20.0, tmp_path, 0, nothing)
    assert not result.valid and result.seconds < 0.5
    assert "It ended before the requested time was over." in result.reasons


@pytest.mark.whole
def test_slow_pilot_is_corrected_once(tmp_path: Path) -> None:
    """Given a pilot of a twentieth of the real rate, then the scenario runs once more, planned with the measured rate."""
    session = Sleeper()
    result = run_scenario(session, requests(), "offline", 0.5, 20.0, tmp_path, 0, nothing)
    assert result.valid and result.seconds > 0.4 and result.n < session.calls


@pytest.mark.whole
def test_error_of_the_model_is_raised(tmp_path: Path) -> None:
    """Given a model that fails in the middle, then its error is raised, and LoadGen can run again."""
    session = Sleeper(fail_at=20)
    with pytest.raises(RuntimeError, match="out of memory"):
        run_scenario(session, requests(), "single-stream", 0.4, 400.0, tmp_path / "a", 0, nothing)
    assert session.calls == 20
    assert run_scenario(Sleeper(), requests(), "offline", 0.3, 400.0, tmp_path / "b", 0, nothing).valid


@pytest.mark.whole
@pytest.mark.parametrize("scenario", ["single-stream", "offline", "server"])
def test_cancellation_ends_the_requests(scenario: Any, tmp_path: Path) -> None:
    """Given a check that raises after five requests, then no further request runs."""
    session = Sleeper()

    def check() -> None:
        if session.calls >= 5:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        run_scenario(session, requests(), scenario, 0.5, 400.0, tmp_path, 0, check)
    assert session.calls == 5


def line(key: str, value: Any, is_error: bool = False) -> str:
    return ":::MLLOG " + json.dumps({"key": key, "value": value, "metadata": {"is_error": is_error}})


def test_log_with_damaged_lines_is_read(tmp_path: Path) -> None:
    """Given a log with truncated lines and errors, then its figures and reasons are read."""
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


def test_log_without_result_is_an_error(tmp_path: Path) -> None:
    """Given a folder without a log, then reading it is an error."""
    with pytest.raises(WorkerError, check=lambda error: error.code == "loadgen_without_result"):
        read_log(tmp_path)
    assert "not an MLPerf result" in LOADGEN_WORDS
