"""Summarize a log over time: its latency at both ends, and points for graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import series as at
from . import slowing
from .series import Series

RECENT = 1000
"""Number of latest requests that the table of drift covers."""
MOST_POINTS = 160


def latency_then_and_now(series: Series) -> tuple[float | None, float | None]:
    """Return the median latency (ms) of the first and the latest thousand timed requests.

    Each group has at most half of all timed requests. Both are None if no request was timed.
    """
    timed = np.cumsum(series.latencies.sum(axis=1))
    if not len(timed) or not timed[-1]:
        return None, None
    size = max(1, min(RECENT, int(timed[-1]) // 2))
    first_end = int(np.searchsorted(timed, size)) + 1
    last_start = min(int(np.searchsorted(timed, timed[-1] - size, side="right")), len(timed) - 1)
    starts, ends = np.asarray([0, last_start]), np.asarray([first_end, len(timed)])
    before, now = 2 ** slowing.medians(series.latencies, series.latency_first, starts, ends)
    return float(before), float(now)


def points(series: Series) -> list[dict[str, Any]]:
    """Return at most 160 points of about as many requests each: time, requests, shares, means, p50."""
    total = series.n + series.errors
    each = max(at.EACH, int(total.sum()) // MOST_POINTS + 1)
    ends = at.ends_of(total, 0, each)
    if not len(ends) or ends[-1] < len(total):
        ends = np.concatenate([ends, [len(total)]]).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    p50 = slowing.medians(series.latencies, series.latency_first, starts, ends)
    n, errors = at.summed(series.n, starts, ends), at.summed(series.errors, starts, ends)
    counted = {name: at.summed(one.sum(axis=1), starts, ends) for name, one in series.histograms.items()}
    sums = {name: at.summed(one, starts, ends) for name, one in series.sums.items()}
    return [
        {
            "t": float(series.times[start]),
            "n": int(n[number]),
            "errors": int(errors[number]),
            "p50_ms": None if np.isnan(p50[number]) else float(2 ** p50[number]),
            "means": {name: float(sums[name][number] / one[number]) for name, one in counted.items() if one[number]},
        }
        for number, start in enumerate(starts)
    ]
