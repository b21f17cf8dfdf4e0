"""Run the scenarios of MLCommons LoadGen on a session in this process (docs/evaluation.md).

Source: https://github.com/mlcommons/inference, folder ``loadgen``. Results are "measured with MLCommons LoadGen; not an
MLPerf result". One LoadGen sample is one request of `Requests`, which contains `requests.batch` items.
"""

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workers.contracts.after.load import Scenario
from workers.contracts.errors import BackendMissing
from workers.contracts.optional_sets import where_to_install
from workers.contracts.specs import P99_NEEDS, LatencySummary
from workers.contracts.translation import _
from workers.infer.base import Arrays, Session
from workers.measure.latency import summarize
from workers.measure.load.loadgen_log import LoadGenLog, read_log
from workers.measure.requests import Requests
from workers.measure.timing import without_collections

NAMES: dict[Scenario, str] = {
    "single-stream": "SingleStream", "server": "Server", "offline": "Offline",
}  # fmt: skip
LATENCY_OF_PILOT, RATE_OF_PILOT = 0.6, 1.2
"""Factors on the pilot's figures; LoadGen plans queries by them and reports too few as invalid."""
SERVER_LOAD = 0.7
"""Share of the pilot's rate that arrives in the server scenario."""
SERVER_BOUND = 12.0
"""Latency limit of 99 % of the server scenario's queries, as a multiple of the pilot's latency.

At 70 % load, a queue with constant service (M/D/1) keeps it within about 8.
"""
PLANNED_BY_RATE: tuple[Scenario, ...] = ("single-stream", "offline")
"""Scenarios with a planned number of queries; Server takes its queries from a clock."""
MAX_SAMPLES = 5_000_000
"""Largest number of samples of Offline, which LoadGen lists all at once; more would take gigabytes."""
DRAIN_S = 0.02


@dataclass(frozen=True)
class ScenarioResult:
    """Result of one scenario: `n` requests in `seconds`.

    `valid` is LoadGen's verdict, with its `reasons`; an invalid run is no measurement. `throughput_per_s` counts items.
    `latency` holds LoadGen's percentiles, from arrival to prediction. The scenario `offline` sends everything at once,
    so it holds the latency of single calls there.
    """

    valid: bool
    reasons: tuple[str, ...]
    n: int
    seconds: float
    throughput_per_s: float
    latency: LatencySummary


@dataclass
class Sut:
    """The system under test, which runs each query at once, in LoadGen's own thread, and records the times.

    The times are in seconds and stored in arrays, because ten minutes may have millions. With `answers`, the outputs of
    each input are stored by its number. LoadGen cannot be stopped, and an exception through it would end the process.
    After an exception, queries are therefore completed without work until the time is over, and the exception is
    stored. (A cancelled job is killed long before.)
    """

    session: Session
    requests: Requests
    check: Callable[[], None]
    lg: Any
    begins_s: "array[float]" = field(default_factory=lambda: array("d"))
    ends_s: "array[float]" = field(default_factory=lambda: array("d"))
    error: BaseException | None = None
    answers: dict[int, Arrays] | None = None

    def issue(self, samples: list[Any]) -> None:
        """Run all samples of a query, one request after the other."""
        clock, done, response = time.perf_counter, self.lg.QuerySamplesComplete, self.lg.QuerySampleResponse
        for sample in samples:
            if self.error is None:
                try:
                    self.check()
                    feeds = self.requests.feed(sample.index)
                    begin = clock()
                    outputs = self.session.run(feeds)
                    end = clock()
                    self.begins_s.append(begin)
                    self.ends_s.append(end)
                    self.requests.carry(outputs)
                    if self.answers is not None:
                        self.answers[sample.index] = outputs
                except BaseException as error:
                    self.error = error
            elif len(samples) == 1:
                time.sleep(DRAIN_S)
            done([response(sample.id, 0, 0)])


def find_loadgen() -> Any:
    """Import LoadGen.

    Raises:
        BackendMissing: it is not installed.
    """
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise BackendMissing(
            "loadgen_missing",
            "MLCommons LoadGen is not installed",
            _("It could not be loaded: {0}.").format(error),
            where_to_install("base"),
            by_command="pip install mlcommons-loadgen.",
        ) from error
    return mlperf_loadgen


def run_scenario(
    session: Session, requests: Requests, scenario: Scenario, seconds: float, pilot_per_s: float, folder: Path,
    seed: int, check: Callable[[], None], bound_ms: float | None = None,
) -> ScenarioResult:  # fmt: skip
    """Run one scenario for `seconds` and write its logs to `folder`.

    If the model is so much faster than in the pilot that LoadGen runs out of queries, the scenario runs once more,
    planned with the measured rate. Errors of the session or of `check` are raised here.

    Args:
        session: the loaded model.
        requests: the requests to run.
        scenario: LoadGen's scenario.
        seconds: shortest duration.
        pilot_per_s: requests a second, just measured.
        folder: folder of LoadGen's logs.
        seed: seed of LoadGen's random numbers.
        check: called between requests; it may raise.
        bound_ms: latency limit of 99 % of the server's queries; None means 12 times the pilot's latency.
    """
    lg = find_loadgen()
    folder.mkdir(parents=True, exist_ok=True)
    per_s = pilot_per_s
    while True:
        limit_ms = bound_ms or SERVER_BOUND * 1000 / per_s
        sut = Sut(session, requests, check, lg)
        with without_collections():
            _run(lg, sut, _settings(lg, scenario, seconds, per_s, limit_ms, seed), folder)
        log = read_log(folder)
        found = _result(sut, log, scenario)
        if not log.ended_early or scenario not in PLANNED_BY_RATE or per_s != pilot_per_s:
            return found
        per_s = max(pilot_per_s, found.throughput_per_s / requests.batch)


def answers_under_load(
    session: Session, requests: Requests, target_per_s: float, bound_ms: float, folder: Path, seed: int,
    check: Callable[[], None],
) -> dict[int, Arrays]:  # fmt: skip
    """Return outputs by number of the request, from LoadGen's accuracy mode, which runs each request once."""
    lg = find_loadgen()
    folder.mkdir(parents=True, exist_ok=True)
    settings = _settings(lg, "server", 1.0, target_per_s / SERVER_LOAD, bound_ms, seed)
    settings.mode = lg.TestMode.AccuracyOnly
    answers: dict[int, Arrays] = {}
    sut = Sut(session, requests, check, lg, answers=answers)
    _run(lg, sut, settings, folder)
    return answers


def _settings(lg: Any, scenario: Scenario, seconds: float, per_s: float, bound_ms: float, seed: int) -> Any:
    """Return LoadGen's settings; max_duration 0 means no limit, because LoadGen reports a limited run as invalid."""
    settings = lg.TestSettings()
    settings.scenario = getattr(lg.TestScenario, NAMES[scenario])
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = max(1, round(seconds * 1000))
    settings.max_duration_ms = 0
    settings.min_query_count = 1
    settings.single_stream_expected_latency_ns = max(1, round(1e9 / per_s * LATENCY_OF_PILOT))
    settings.offline_expected_qps = min(per_s * RATE_OF_PILOT, MAX_SAMPLES / seconds)
    settings.server_target_qps = per_s * SERVER_LOAD
    settings.server_target_latency_ns = round(bound_ms * 1e6)
    settings.qsl_rng_seed, settings.sample_index_rng_seed, settings.schedule_rng_seed = seed + 1, seed + 2, seed + 3
    return settings


def _run(lg: Any, sut: Sut, settings: Any, folder: Path) -> None:
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    logs = lg.LogSettings()
    logs.log_output = output
    logs.enable_trace = False
    count = len(sut.requests)
    library = lg.ConstructQSL(count, count, _nothing, _nothing)  # all requests are in memory already
    system = lg.ConstructSUT(sut.issue, _flush)
    try:
        lg.StartTestWithLogSettings(system, library, settings, logs)
    finally:
        lg.DestroySUT(system)
        lg.DestroyQSL(library)
    if sut.error is not None:
        raise sut.error


def _nothing(_samples: list[int]) -> None:
    """Do nothing, because samples are loaded beforehand."""


def _flush() -> None:
    """Do nothing, because nothing is buffered."""


def _result(sut: Sut, log: LoadGenLog, scenario: Scenario) -> ScenarioResult:
    n = len(sut.ends_s)
    seconds = sut.ends_s[-1] - sut.begins_s[0]
    per_s = log.per_s if log.per_s is not None else n / seconds
    return ScenarioResult(log.valid, log.reasons, n, seconds, per_s * sut.requests.batch, _latency(sut, log, scenario))


def _latency(sut: Sut, log: LoadGenLog, scenario: Scenario) -> LatencySummary:
    if scenario == "offline":  # LoadGen counts from the one moment at which all samples were issued
        return summarize(((np.asarray(sut.ends_s) - np.asarray(sut.begins_s)) * 1000).tolist())
    times, n = log.latencies_ms, log.queries
    p99_ms = times["99.00"] if n >= P99_NEEDS else None
    return LatencySummary(n=n, p50_ms=times["50.00"], p90_ms=times["90.00"], p99_ms=p99_ms, max_ms=times["max"])
