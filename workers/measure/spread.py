"""Compute bounds of throughput and medians from stretches of time, because consecutive requests are alike."""

from collections.abc import Sequence

import numpy as np

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
