"""Requests that arrive at random at one model: each answered alone, or gathered into batches.

`simulate` works it out from how long batches take; `serve` does it with the model itself and the same arrivals. Both
follow one rule: the model takes what waits (at most `max_batch`) as soon as it is free and either a batch is full or
the oldest has waited `max_wait_s`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPIN_S = 0.002
"""Sleeping is too coarse for the last two milliseconds before something is due."""
MAX_BEHIND = 3.0
"""A run takes at most so many times what its arrivals span: a model that cannot keep up is not waited for."""


@dataclass(frozen=True)
class Policy:
    """`max_batch` 1 answers each request alone."""

    max_batch: int = 1
    max_wait_s: float = 0.0


@dataclass(frozen=True)
class Served:
    """Seconds from arrival to answer of each request in order, and the sizes of the batches."""

    latencies_s: Floats
    batches: tuple[int, ...]

    @property
    def mean_batch(self) -> float:
        """Requests in a batch on average."""
        return float(np.mean(self.batches))


def poisson_arrivals(rate_per_s: float, seconds: float, seed: int, most: int = 100_000) -> Floats:
    """Moments (seconds from 0) of requests that know nothing of each other; one at least."""
    rng = np.random.default_rng(seed)
    count = min(most, max(1, rng.poisson(rate_per_s * seconds)))
    return np.sort(rng.uniform(0, seconds, count))


def service_times(curve: Sequence[tuple[int, float]]) -> Callable[[int], float]:
    """Seconds for a batch of any size from measured (batch, seconds): straight lines between, and on beyond the last.

    Raises ValueError without a point.
    """
    points = sorted(curve)
    if not points:
        raise ValueError("no measured batch to go by")
    sizes = np.array([size for size, _ in points], np.float64)
    seconds = np.array([value for _, value in points], np.float64)

    def service(batch: int) -> float:
        if batch <= sizes[-1] or len(points) == 1:
            return float(np.interp(batch, sizes, seconds)) * (batch / sizes[0] if batch < sizes[0] else 1.0)
        slope = (seconds[-1] - seconds[-2]) / (sizes[-1] - sizes[-2])
        return float(seconds[-1] + max(0.0, slope) * (batch - sizes[-1]))

    return service


def simulate(arrivals_s: Floats, service: Callable[[int], float], policy: Policy) -> Served:
    """Discrete events: what each request would wait and take. `service` gives the seconds of a batch of n."""
    latencies = np.empty(arrivals_s.size)
    batches: list[int] = []
    free_s, first = 0.0, 0
    while first < arrivals_s.size:
        begin = max(free_s, _due(arrivals_s, first, policy))
        size = _waiting(arrivals_s, first, begin, policy)
        free_s = begin + service(size)
        latencies[first : first + size] = free_s - arrivals_s[first : first + size]
        batches.append(size)
        first += size
    return Served(latencies, tuple(batches))


def serve(arrivals_s: Floats, answer: Callable[[int, int], None], policy: Policy, check: Callable[[], None]) -> Served:
    """The same for real: `answer(first, size)` answers requests first … first+size−1 at once, in this thread.

    `check` is called while nothing is due, and between batches; it may raise.
    """
    latencies: list[float] = []
    batches: list[int] = []
    clock = time.perf_counter
    started, first = clock(), 0
    limit_s = MAX_BEHIND * float(arrivals_s[-1]) + 1.0
    while first < arrivals_s.size:
        _wait(started + _due(arrivals_s, first, policy), check)
        now_s = clock() - started
        if now_s > limit_s:
            break
        size = _waiting(arrivals_s, first, now_s, policy)
        answer(first, size)
        end_s = clock() - started
        latencies += [end_s - at for at in arrivals_s[first : first + size]]
        batches.append(size)
        first += size
        check()
    return Served(np.asarray(latencies), tuple(batches))


def _due(arrivals_s: Floats, first: int, policy: Policy) -> float:
    """When the next batch may begin: full, or the oldest request has waited long enough."""
    oldest = float(arrivals_s[first])
    last = first + policy.max_batch - 1
    full = float(arrivals_s[last]) if last < arrivals_s.size else np.inf
    return float(min(full, oldest + policy.max_wait_s))


def _waiting(arrivals_s: Floats, first: int, now_s: float, policy: Policy) -> int:
    arrived = int(np.searchsorted(arrivals_s, now_s, side="right")) - first
    return max(1, min(arrived, policy.max_batch))


def _wait(until: float, check: Callable[[], None]) -> None:
    while (left := until - time.perf_counter()) > 0:
        check()
        if left > SPIN_S:
            time.sleep(min(left - SPIN_S / 2, 0.05))
