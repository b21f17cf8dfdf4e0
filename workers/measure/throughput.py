"""Latency and throughput of one model alone, over batch sizes, in three ways of asking: loops of our own.

``single-stream``: one request after the other. ``offline``: everything is there at once, only the total counts.
``server``: requests arrive at random moments (Poisson), and waiting counts. `load.loadgen` runs the official
scenarios; both agree within 5 % on the first two (tests/benchmarks).
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workers.infer.base import Session
from workers.measure.requests import Requests

OwnScenario = Literal["single-stream", "offline", "server"]

KNEE_SHARE = 0.95
SERVER_LOAD = 0.7
"""Share of what the model can do at most that the arrivals of the server scenario ask for."""

MIN_WARMUP_RUNS, MIN_WARMUP_S = 10, 2.0
MAX_REQUESTS = 100_000
WINDOWS, ALIKE = 3, 1.1


@dataclass(frozen=True)
class Load:
    """Milliseconds of requests of `batch` items each, and the items answered in a second."""

    latencies_ms: list[float]
    throughput_per_s: float


def run_load(
    session: Session,
    requests: Requests,
    scenario: OwnScenario,
    seconds: float,
    seed: int,
    check: Callable[[], None],
) -> Load:
    """Warm up until times are steady, then measure for `seconds`, with one request at least."""
    rate = warm_up(session, requests, seconds, check)
    gc.collect()
    gc.disable()
    try:
        if scenario == "server":
            return _server(session, requests, rate * SERVER_LOAD, seconds, seed, check)
        return _back_to_back(session, requests, seconds, check)
    finally:
        gc.enable()


def warm_up(session: Session, requests: Requests, seconds: float, check: Callable[[], None]) -> float:
    """Run until the last three windows agree within 10 %; requests a second in the last one.

    At least 10 runs and 2 s, at most twice that or a third of `seconds`, whichever is longer.
    """
    longest = max(2 * MIN_WARMUP_S, seconds / 3) if seconds >= MIN_WARMUP_S else seconds
    started = time.perf_counter()
    windows: list[float] = []
    runs = 0
    while True:
        begin, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - begin < min(0.25, longest / 8):
            check()
            requests.carry(session.run(requests.feed(runs)))
            runs, count = runs + 1, count + 1
        now = time.perf_counter()
        windows.append(count / (now - begin))
        last = windows[-WINDOWS:]
        steady = len(last) == WINDOWS and max(last) <= ALIKE * min(last)
        enough = runs >= MIN_WARMUP_RUNS and now - started >= min(MIN_WARMUP_S, longest)
        if (steady and enough) or now - started >= longest:
            return windows[-1]


def _back_to_back(session: Session, requests: Requests, seconds: float, check: Callable[[], None]) -> Load:
    latencies: list[float] = []
    started = time.perf_counter()
    end = started
    while end - started < seconds and len(latencies) < MAX_REQUESTS:
        check()
        feeds = requests.feed(len(latencies))
        begin = time.perf_counter()
        outputs = session.run(feeds)
        end = time.perf_counter()
        latencies.append((end - begin) * 1000)
        requests.carry(outputs)
    return Load(latencies, len(latencies) * requests.batch / (end - started))


def _server(
    session: Session, requests: Requests, rate: float, seconds: float, seed: int, check: Callable[[], None]
) -> Load:
    """Latency runs from a request's arrival to its answer, so the queue before it counts."""
    rng = np.random.default_rng(seed)
    latencies: list[float] = []
    started = time.perf_counter()
    arrival = started + float(rng.exponential(1 / rate))
    end = started
    while (arrival - started < seconds or not latencies) and len(latencies) < MAX_REQUESTS:
        while (wait := arrival - time.perf_counter()) > 0:
            check()
            if wait > 0.002:
                time.sleep(min(wait - 0.001, 0.05))
        outputs = session.run(requests.feed(len(latencies)))
        end = time.perf_counter()
        latencies.append((end - arrival) * 1000)
        requests.carry(outputs)
        check()
        arrival += float(rng.exponential(1 / rate))
        if end - started > 3 * seconds:
            break  # it cannot keep up; what was measured says so
    return Load(latencies, len(latencies) * requests.batch / (end - started))


def knee(batches: Sequence[int], throughputs: Sequence[float]) -> int:
    """The smallest batch that reaches 95 % of the best throughput. Raises ValueError without any."""
    best = max(throughputs)
    return min(b for b, value in zip(batches, throughputs, strict=True) if value >= KNEE_SHARE * best)
