"""Compute latency figures from single requests: mean, percentiles and intervals. Numpy only."""

import math
from collections.abc import Sequence

import numpy as np

from workers.contracts.specs import P99_NEEDS, LatencySummary

TAIL = 0.025
"""Error level of each side of an interval."""


def summarize(latencies_ms: Sequence[float]) -> LatencySummary:
    """Compute mean and percentiles of all requests, and the 95 % interval of p50 by order statistics.

    No request is discarded.

    Args:
        latencies_ms: milliseconds of single requests.

    Raises:
        ValueError: there are none.
    """
    values = np.sort(np.asarray(latencies_ms, np.float64))
    if not values.size:
        raise ValueError("no latencies to summarize")
    low, high = median_ranks(values.size)
    return LatencySummary(
        n=values.size, mean_ms=float(values.mean()), max_ms=float(values[-1]),
        p50_ms=float(np.percentile(values, 50)), p90_ms=float(np.percentile(values, 90)),
        p99_ms=float(np.percentile(values, 99)) if values.size >= P99_NEEDS else None,
        p50_low_ms=None if low is None else float(values[low]),
        p50_high_ms=None if high is None else float(values[high]),
    )  # fmt: skip


def median_ranks(n: int) -> tuple[int | None, int | None]:
    """Return indices into n sorted values whose interval holds the median with 95 %; None for n < 6.

    Distribution-free: the number of values below the median is binomial (n, ½).
    """
    log_half = n * math.log(0.5)
    log_fact = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    cumulative = np.cumsum(np.exp(log_fact[n] - log_fact - log_fact[::-1] + log_half))
    below = int(np.searchsorted(cumulative, TAIL, side="right"))  # P[X < below] ≤ 2.5 %
    if below < 1:
        return None, None
    return below - 1, n - below


STRETCHES = 20
T_19 = 2.093
"""Student's t, 97.5 %, 19 degrees of freedom."""
MIN_A_STRETCH = 2


def throughput_bounds(ends_s: Sequence[float], began_s: float, batch: int = 1) -> tuple[float | None, float | None]:
    """Return 95 % bounds of items a second from 20 stretches that have equally many requests, up to one.

    All requests count. `ends_s` are their end times in order, from `began_s` on. The result is (None, None) with fewer
    than 40 requests.
    """
    if len(ends_s) < STRETCHES * MIN_A_STRETCH:
        return None, None
    counts = np.array([len(part) for part in np.array_split(np.arange(len(ends_s)), STRETCHES)])
    marks = np.asarray([began_s, *np.asarray(ends_s)[counts.cumsum() - 1]])
    seconds = np.diff(marks) / counts
    mean, error = float(seconds.mean()), float(seconds.std(ddof=1)) / STRETCHES**0.5
    slowest, fastest = mean + T_19 * error, mean - T_19 * error
    return batch / slowest, batch / fastest if fastest > 0 else None


def median_bounds(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return 95 % bounds of the median of values that depend on their neighbors, from the medians of 20 stretches.

    The bounds are centered on the median of all values. The result is (None, None) with fewer than 40 values.
    """
    if len(values) < STRETCHES * MIN_A_STRETCH:
        return None, None
    medians = np.array([np.median(part) for part in np.array_split(np.asarray(values), STRETCHES)])
    middle, half = float(np.median(values)), T_19 * float(medians.std(ddof=1)) / STRETCHES**0.5
    return max(0.0, middle - half), middle + half
