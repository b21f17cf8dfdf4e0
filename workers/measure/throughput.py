"""Measure latency and throughput of one model over batch sizes in three scenarios, with our own loops.

``single-stream``: one request after the other. ``offline``: all requests are there at once, only the total counts.
``server``: requests arrive at random moments (Poisson), and waiting counts. `load.loadgen` runs the official scenarios;
both agree within 5 % on the first two (tests/benchmarks).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workers.infer.base import Session
from workers.measure.arrivals import poisson_arrivals, serve
from workers.measure.requests import Requests
from workers.measure.timing import without_collections

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


Check = Callable[[], None]


def run_load(
    session: Session, requests: Requests, scenario: OwnScenario, seconds: float, seed: int, check: Check
) -> Load:
    """Warm up until times are steady, then measure for `seconds`, with at least one request."""
    rate = warm_up(session, requests, seconds, check)
    if scenario == "server":
        return _server(session, requests, rate * SERVER_LOAD, seconds, seed, check)
    spans = timed_calls(session, requests, seconds, check)
    latencies_ms = [(end - begin) * 1000 for begin, end in spans]
    return Load(latencies_ms, len(spans) * requests.batch / (spans[-1][1] - spans[0][0]))


def warm_up(session: Session, requests: Requests, seconds: float, check: Check) -> float:
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


def timed_calls(session: Session, requests: Requests, seconds: float, check: Check) -> list[tuple[float, float]]:
    """Run requests one after the other for `seconds`, at least one; return begin and end of each in seconds."""
    spans: list[tuple[float, float]] = []
    clock = time.perf_counter
    with without_collections():
        end = started = clock()
        while not spans or (end - started < seconds and len(spans) < MAX_REQUESTS):
            check()
            feeds = requests.feed(len(spans))
            begin = clock()
            outputs = session.run(feeds)
            end = clock()
            spans.append((begin, end))
            requests.carry(outputs)
    return spans


def served_ms(
    session: Session, requests: Requests, rate_per_s: float, seconds: float, seed: int, check: Check
) -> list[float]:
    """Return the milliseconds from a request's arrival to its prediction, including the time in the queue."""

    def answer(number: int) -> None:
        requests.carry(session.run(requests.feed(number)))

    with without_collections():
        arrivals_s = poisson_arrivals(rate_per_s, seconds, seed, MAX_REQUESTS)
        return [1000 * latency_s for latency_s in serve(arrivals_s, answer, check).tolist()]


def _server(session: Session, requests: Requests, rate: float, seconds: float, seed: int, check: Check) -> Load:
    started = time.perf_counter()
    latencies_ms = served_ms(session, requests, rate, seconds, seed, check)
    return Load(latencies_ms, len(latencies_ms) * requests.batch / (time.perf_counter() - started))


def knee(batches: Sequence[int], throughputs: Sequence[float]) -> int:
    """Return the smallest batch that reaches 95 % of the best throughput.

    Raises:
        ValueError: there are none.
    """
    best = max(throughputs)
    return min(b for b, value in zip(batches, throughputs, strict=True) if value >= KNEE_SHARE * best)
