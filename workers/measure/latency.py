"""Compute latency figures from single requests: mean, percentiles and intervals. Numpy only."""

import math
from collections.abc import Sequence

import numpy as np

from workers.contracts.specs import P99_NEEDS, LatencySummary


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
        n=values.size,
        mean_ms=float(values.mean()),
        p50_ms=float(np.percentile(values, 50)),
        p90_ms=float(np.percentile(values, 90)),
        p99_ms=float(np.percentile(values, 99)) if values.size >= P99_NEEDS else None,
        max_ms=float(values[-1]),
        p50_low_ms=None if low is None else float(values[low]),
        p50_high_ms=None if high is None else float(values[high]),
    )


def median_ranks(n: int, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Return indices into n sorted values whose interval holds the median with `confidence`; None for n < 6.

    Distribution-free: the number of values below the median is binomial (n, ½).
    """
    log_half = n * math.log(0.5)
    log_fact = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    cumulative = np.cumsum(np.exp(log_fact[n] - log_fact - log_fact[::-1] + log_half))
    below = int(np.searchsorted(cumulative, (1 - confidence) / 2, side="right"))  # P[X < below] ≤ 2.5 %
    if below < 1:
        return None, None
    return below - 1, n - below
