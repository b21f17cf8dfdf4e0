"""How sure a throughput is: answers that follow each other are alike, so whole stretches of time are compared."""

from collections.abc import Sequence

import numpy as np

STRETCHES = 20
T_19 = 2.093
"""Student's t, 97.5 %, 19 degrees of freedom."""
MIN_A_STRETCH = 2


def throughput_bounds(ends_s: Sequence[float], began_s: float, batch: int = 1) -> tuple[float | None, float | None]:
    """95 % bounds of items a second from 20 stretches with as many requests each, or one more; none is left out.

    `ends_s` are the ends of all requests in order, from `began_s` on. (None, None) with fewer than 40 requests.
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
    """95 % bounds of the median of values that depend on their neighbors, from the medians of 20 stretches.

    Kept around the median of all values. (None, None) with fewer than 40.
    """
    if len(values) < STRETCHES * MIN_A_STRETCH:
        return None, None
    medians = np.array([np.median(part) for part in np.array_split(np.asarray(values), STRETCHES)])
    middle, half = float(np.median(values)), T_19 * float(medians.std(ddof=1)) / STRETCHES**0.5
    return max(0.0, middle - half), middle + half
