"""Do answers take longer than at the beginning of the log? A cumulative sum over blocks of requests."""

from __future__ import annotations

from bisect import insort

import numpy as np

from .series import Floats, Ints, summed
from .writing import BINS_PER_OCTAVE

BASELINE_BLOCKS = 10
"""Blocks that tell the usual latency, at least: what another computer measured says nothing about this one."""
ALLOWANCE = 0.5
"""In octaves (a factor 1.41): so much slower is nothing to tell; days are busier than nights."""
DECISION = 1.7
MOST_STEP = 1.0
"""In octaves: what one block may add, so that a short hiccup is no alarm, however bad."""


def medians(latencies: Ints, first: int, starts: Ints, ends: Ints) -> Floats:
    """log2 of the median in ms (looks,) over lines from `starts` to `ends`; NaN where nothing was timed.

    `latencies` (lines, bins), the first bin is number `first` (see `writing.latency_bin`). Within a bin the median is
    interpolated.
    """
    counts = summed(latencies, starts, ends)
    total = counts.sum(axis=1)
    upto = np.cumsum(counts, axis=1)
    at = (upto >= total[:, None] / 2).argmax(axis=1)
    rows = np.arange(len(counts))
    within = (total / 2 - (upto[rows, at] - counts[rows, at])) / np.maximum(counts[rows, at], 1)
    found = (first + at - 0.5 + within) / BINS_PER_OCTAVE
    return np.where(total > 0, found, np.nan)


def cumulated(blocks: Floats) -> tuple[Floats, float]:
    """One-sided CUSUM S ← max(0, S + min(x − usual, 1.5) − 0.5) (Page, Biometrika 1954) of `blocks` (k,), log2 of
    medians, and the usual one at the end: the median of the blocks after which S was 0. Until ten are known S is 0.

    With S > 1.7 as alarm a doubling is found after four blocks. The run length to a false alarm is beyond 10⁷ blocks
    where blocks spread by .15 octaves and days are .2 slower than nights (Siegmund 1985, formula 2.57). What gets
    slower by little each day is taken for usual: a sum tells what came at once.
    """
    sums = np.zeros(len(blocks))
    known: list[float] = []
    total = 0.0
    for at, block in enumerate(blocks.tolist()):
        if block == block:  # NaN: nothing was timed
            if len(known) >= BASELINE_BLOCKS:
                total = max(0.0, total + min(block - _middle(known), ALLOWANCE + MOST_STEP) - ALLOWANCE)
                total = min(total, 2 * DECISION)  # so that its end is noticed, too
            if total == 0.0:
                insort(known, block)
        sums[at] = total
    return sums, _middle(known) if len(known) >= BASELINE_BLOCKS else float("nan")


def _middle(rising: list[float]) -> float:
    half = len(rising) // 2
    return rising[half] if len(rising) % 2 else (rising[half - 1] + rising[half]) / 2
