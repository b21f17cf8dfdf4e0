"""Detect that predictions take longer than at the beginning of the log: a cumulative sum over blocks of requests."""

from __future__ import annotations

from bisect import insort
from statistics import median

import numpy as np

from .series import Floats, Ints, Series, summed
from .writing import BINS_PER_OCTAVE

BASELINE_BLOCKS = 10
"""Minimum number of blocks that define the usual latency; measurements of another computer do not apply here."""
ALLOWANCE = 0.5
"""Tolerated slow-down in octaves (a factor 1.41), since days are busier than nights."""
DECISION = 1.7
MOST_STEP = 1.0
"""Maximum contribution of one block in octaves, so that a short disturbance raises no alarm."""


def medians(series: Series, starts: Ints, ends: Ints) -> Floats:
    """Return log2 of the median latency in ms (looks,) over lines from `starts` to `ends`; NaN if nothing was timed.

    Within a bin the median is interpolated.

    Args:
        series: The lines.
        starts: (looks,) first lines.
        ends: (looks,) lines after the last ones.
    """
    counts = summed(series.latencies, starts, ends)
    total = counts.sum(axis=1)
    upto = np.cumsum(counts, axis=1)
    at = (upto >= total[:, None] / 2).argmax(axis=1)
    rows = np.arange(len(counts))
    within = (total / 2 - (upto[rows, at] - counts[rows, at])) / np.maximum(counts[rows, at], 1)
    return np.where(total > 0, (series.latency_first + at - 0.5 + within) / BINS_PER_OCTAVE, np.nan)


def cumulated(blocks: Floats) -> tuple[Floats, float]:
    """Return a one-sided CUSUM of `blocks` (k,), log2 of medians, and the usual median at the end.

    The sum is S ← max(0, S + min(x − usual, 1.5) − 0.5) (Page, Biometrika 1954). The usual latency is the median of the
    blocks after which S was 0; until ten are known, S is 0. With S > 1.7 as alarm, a doubling is detected after four
    blocks. The run length to a false alarm exceeds 10⁷ blocks if blocks spread by 0.15 octaves and days are 0.2 octaves
    slower than nights (Siegmund 1985, formula 2.57). A slow daily increase counts as usual: the sum detects sudden
    changes.
    """
    sums = np.zeros(len(blocks))
    usual: list[float] = []
    total = 0.0
    for at, block in enumerate(blocks.tolist()):
        if block == block:  # NaN: nothing was timed
            if len(usual) >= BASELINE_BLOCKS:
                total = max(0.0, total + min(block - median(usual), ALLOWANCE + MOST_STEP) - ALLOWANCE)
                total = min(total, 2 * DECISION)  # so that the end of the alarm is detected, too
            if total == 0.0:
                insort(usual, block)
        sums[at] = total
    return sums, median(usual) if len(usual) >= BASELINE_BLOCKS else float("nan")
