"""Send requests at random moments to one model, which processes them one after the other."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPIN_S = 0.002
"""Time before a request in seconds during which the loop spins, because sleeping is too coarse."""
MAX_BEHIND = 3.0
"""A run ends after this many times the span of its arrivals, even if requests are left."""


def poisson_arrivals(rate_per_s: float, seconds: float, seed: int, most: int = 100_000) -> Floats:
    """Return sorted moments (seconds from 0) of independent requests, at least one and at most `most`."""
    rng = np.random.default_rng(seed)
    count = min(most, max(1, rng.poisson(rate_per_s * seconds)))
    return np.sort(rng.uniform(0, seconds, count))


def serve(arrivals_s: Floats, answer: Callable[[int], None], check: Callable[[], None]) -> Floats:
    """Call `answer(number)` for each request when it is due and the model is free; waiting counts as latency.

    Args:
        arrivals_s: Sorted moments of the requests in seconds, shape (n,).
        answer: Runs the request of that number in this thread.
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
        answer(number)
        latencies.append(clock() - started - at_s)
        check()
    return np.asarray(latencies)


def _wait(until: float, check: Callable[[], None]) -> None:
    while (left := until - time.perf_counter()) > 0:
        check()
        if left > SPIN_S:
            time.sleep(min(left - SPIN_S / 2, 0.05))
