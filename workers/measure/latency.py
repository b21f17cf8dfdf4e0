"""Latency figures from single requests: percentiles with intervals, ratios of two models. Numpy only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import P99_NEEDS, LatencySummary

DRAWS = 2000
RUN_LENGTH = 20
"""Requests that follow each other are alike, so whole runs of them are drawn, not single ones."""

Sets = Sequence[Sequence[float]]
Floats = NDArray[np.float64]


def summarize(latencies_ms: Sequence[float]) -> LatencySummary:
    """Percentiles of all requests (none is thrown away), p50 with its 95 % interval by order statistics.

    Raises ValueError for an empty sequence.
    """
    values = np.sort(np.asarray(latencies_ms, np.float64))
    if not values.size:
        raise ValueError("no latencies to summarize")
    low, high = median_ranks(values.size)
    return LatencySummary(
        n=values.size,
        p50_ms=float(np.percentile(values, 50)),
        p90_ms=float(np.percentile(values, 90)),
        p99_ms=float(np.percentile(values, 99)) if values.size >= P99_NEEDS else None,
        max_ms=float(values[-1]),
        p50_low_ms=None if low is None else float(values[low]),
        p50_high_ms=None if high is None else float(values[high]),
    )


def median_ranks(n: int, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Indices into n sorted values whose interval holds the median with `confidence`; None for n < 6.

    Distribution-free: the number of values under the median is binomial (n, ½).
    """
    log_half = n * math.log(0.5)
    log_fact = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    cumulative = np.cumsum(np.exp(log_fact[n] - log_fact - log_fact[::-1] + log_half))
    below = int(np.searchsorted(cumulative, (1 - confidence) / 2, side="right"))  # P[X < below] ≤ 2.5 %
    if below < 1:
        return None, None
    return below - 1, n - below


@dataclass(frozen=True)
class Ratio:
    """`value` = median of the original / median of the variant; the bounds are None where nothing bounds
    it.
    """

    value: float
    low: float | None
    high: float | None


def speed_ratio(original: Sets, variant: Sets, seed: int = 0) -> Ratio:
    """How many times faster the variant is, with a 95 % bootstrap interval over the sets of processes.

    Sets of the same number were measured in turn and are drawn together; within a drawn set, runs of requests
    are drawn again. Slow models have too few requests for runs: there the bounds are those of both medians by order
    statistics, each with 97.5 % (Bonferroni). Raises ValueError where one of them has no requests.
    """
    old, new = _arrays(original), _arrays(variant)
    if not old or not new:
        raise ValueError("no latencies to compare")
    value = float(np.median(np.concatenate(old)) / np.median(np.concatenate(new)))
    if min(sum(map(len, old)), sum(map(len, new))) < 2 * RUN_LENGTH:
        return Ratio(value, *_bounds_of_few(np.sort(np.concatenate(old)), np.sort(np.concatenate(new))))
    rng = np.random.default_rng(seed)
    ratios = np.empty(DRAWS)
    paired = len(old) == len(new)
    for draw in range(DRAWS):
        picks = rng.integers(len(old), size=len(old))
        others = picks if paired else rng.integers(len(new), size=len(new))
        ratios[draw] = _drawn_median(old, picks, rng) / _drawn_median(new, others, rng)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Ratio(value, float(low), float(high))


def _bounds_of_few(old: Floats, new: Floats) -> tuple[float | None, float | None]:
    """Sorted times of both; (None, None) where one of them has fewer than 7."""
    (old_low, old_high), (new_low, new_high) = (median_ranks(times.size, 0.975) for times in (old, new))
    if old_low is None or old_high is None or new_low is None or new_high is None:
        return None, None
    return float(old[old_low] / new[new_high]), float(old[old_high] / new[new_low])


def _arrays(sets: Sets) -> list[Floats]:
    return [np.asarray(times, np.float64) for times in sets if len(times)]


def _drawn_median(sets: list[Floats], picks: NDArray[np.int64], rng: np.random.Generator) -> float:
    drawn = []
    for pick in picks:
        times = sets[pick]
        length = min(RUN_LENGTH, times.size)
        starts = rng.integers(times.size - length + 1, size=-(-times.size // length))
        drawn.append(times[(starts[:, None] + np.arange(length)).ravel()])
    return float(np.median(np.concatenate(drawn)))
