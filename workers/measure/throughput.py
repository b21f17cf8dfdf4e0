"""Measure latency and throughput of one model over batch sizes in three scenarios, with our own loops.

``single-stream``: one request after the other. ``offline``: all requests are there at once, only the total counts.
``server``: requests arrive at random moments (Poisson), and waiting counts. `load.loadgen` runs the official scenarios;
both agree within 5 % on the first two (tests/benchmarks).
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workers.infer.base import Session
from workers.measure.arrivals import poisson_arrivals, serve
from workers.measure.requests import Requests

OwnScenario = Literal["single-stream", "offline", "server"]

KNEE_SHARE = 0.95
SERVER_LOAD = 0.7
"""Share of the model's highest rate at which requests arrive in the server scenario."""

MIN_WARMUP_RUNS, MIN_WARMUP_S = 10, 2.0
MAX_REQUESTS = 100_000
WINDOWS, ALIKE = 3, 1.1


@dataclass(frozen=True)
class Load:
    """Milliseconds of requests of `batch` items each, and the items per second."""

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
    """Warm up until times are steady, then measure for `seconds`, with at least one request."""
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
    """Run until the last three windows agree within 10 %; return the requests a second of the last one.

    The warm-up takes at least 10 runs and 2 s, at most twice that or a third of `seconds`, whichever is longer.
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
    """Measure latency from a request's arrival to its prediction, including the time in the queue."""

    def answer(number: int) -> None:
        requests.carry(session.run(requests.feed(number)))

    started = time.perf_counter()
    latencies_s = serve(poisson_arrivals(rate, seconds, seed, MAX_REQUESTS), answer, check)
    spent_s = time.perf_counter() - started
    return Load((1000 * latencies_s).tolist(), latencies_s.size * requests.batch / spent_s)


def knee(batches: Sequence[int], throughputs: Sequence[float]) -> int:
    """Return the smallest batch that reaches 95 % of the best throughput.

    Raises:
        ValueError: there are none.
    """
    best = max(throughputs)
    return min(b for b, value in zip(batches, throughputs, strict=True) if value >= KNEE_SHARE * best)
