"""Time requests of one model: warm-up, one after the other, and at random moments, where waiting counts."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.infer.base import Session
from workers.measure.requests import Requests
from workers.measure.timing import without_collections

Floats = NDArray[np.float64]

KNEE_SHARE = 0.95
SPIN_S = 0.002
"""Time before a request in seconds during which the loop spins, because sleeping is too coarse."""
MAX_BEHIND = 3.0
"""A run ends after this many times the span of its arrivals, even if requests are left."""
MIN_WARMUP_RUNS, MIN_WARMUP_S = 10, 2.0
MAX_REQUESTS = 100_000
WINDOWS, ALIKE = 3, 1.1


Check = Callable[[], None]


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
    """Return the milliseconds from a request's arrival to its prediction, including the time in the queue.

    Requests arrive at random moments (Poisson); `check` is called while none is due and after each.
    """

    def predict(number: int) -> None:
        requests.carry(session.run(requests.feed(number)))

    with without_collections():
        arrivals_s = poisson_arrivals(rate_per_s, seconds, seed)
        return [1000 * latency_s for latency_s in serve(arrivals_s, predict, check).tolist()]


def poisson_arrivals(rate_per_s: float, seconds: float, seed: int, most: int = MAX_REQUESTS) -> Floats:
    """Return sorted moments (seconds from 0) of independent requests, at least one and at most `most`."""
    rng = np.random.default_rng(seed)
    count = min(most, max(1, rng.poisson(rate_per_s * seconds)))
    return np.sort(rng.uniform(0, seconds, count))


def serve(arrivals_s: Floats, predict: Callable[[int], None], check: Callable[[], None]) -> Floats:
    """Call `predict(number)` for each request when it is due and the model is free; waiting counts as latency.

    Args:
        arrivals_s: Sorted moments of the requests in seconds, shape (n,).
        predict: Runs the request of that number in this thread.
        check: Called while nothing is due and after each request; it may raise.

    Returns:
        Seconds from arrival to prediction, shape (m,) with m ≤ n: fewer than n where the model cannot keep up.
    """
    latencies: list[float] = []
    clock = time.perf_counter
    started = clock()
    limit_s = MAX_BEHIND * float(arrivals_s[-1]) + 1.0
    for number, at_s in enumerate(arrivals_s.tolist()):
        _wait(started + at_s, check)
        if clock() - started > limit_s:
            break
        predict(number)
        latencies.append(clock() - started - at_s)
        check()
    return np.asarray(latencies)


def _wait(until: float, check: Callable[[], None]) -> None:
    while (left := until - time.perf_counter()) > 0:
        check()
        if left > SPIN_S:
            time.sleep(min(left - SPIN_S / 2, 0.05))


def knee(batches: Sequence[int], throughputs: Sequence[float]) -> int:
    """Return the smallest batch that reaches 95 % of the best throughput.

    Raises:
        ValueError: there are none.
    """
    best = max(throughputs)
    return min(b for b, value in zip(batches, throughputs, strict=True) if value >= KNEE_SHARE * best)
