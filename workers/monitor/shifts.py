"""Has what comes in, or what is answered, changed against the evaluation data? Tests on histograms, of windows.

All of them test for more than a margin: traffic of people has days and nights, weekends and moods, and a change that
matters to nobody becomes significant with enough requests (Hodges and Lehmann, JRSS B 1954, on testing for material
significance). How much more than by chance blocks of requests differ from each other, because requests of one person
resemble each other, is estimated by their moving ranges, which a single change does not disturb (Laney, Quality
Engineering 2002), and widens the variances.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .series import Floats, Ints, summed

LOCATION_MARGIN = 0.06
"""Of the mean place 0..1 among the evaluation data: about a fifth of their standard deviation."""
TAIL_MARGIN = 0.06
"""Of the mean tail score, in its standard deviations."""
CLASSES_MARGIN = 0.1
"""Of Σ (p − q)²/p: each share off by a third of itself."""
TAIL_FROM = ((0.8, 0.4), (0.9, 0.6), (0.95, 1.0))
"""Scores of the least familiar fifth: what is beyond these shares of the evaluation data counts so much more."""
PRIOR_BLOCKS, PRIOR_DISPERSION, LOOKED_BACK, MOST_RATIO = 10, 2.0, 500, 9.0
MOST_CELLS, LEAST_IN_CELL = 30, 10


@dataclass(frozen=True)
class Tested:
    """Of each look (looks,): by how many standard deviations a window is beyond the margin (`z`, −inf where there is
    no window), and in which direction (`sign`).
    """

    z: Floats
    sign: Floats


def places(counts: Ints) -> Floats:
    """Mean place 0..1 (bins,) of each bin of the evaluation data's histogram `counts` (bins,) among them (ridits;
    Bross, Biometrics 1958): the share below it and half of its own.
    """
    shares = counts / counts.sum()
    return np.asarray(np.cumsum(shares) - shares / 2)


def tail_scores(counts: Ints) -> Floats:
    """Scores (bins,) that rise in the upper fifth alone, as those of Savage (1956) for the exponential distribution do.
    Of ten rules these separated pictures of a class that was left out best from those of the others.
    """
    below = np.concatenate([[0.0], np.cumsum(counts)[:-1] / counts.sum()])
    return np.asarray(sum(weight * (below >= share - 1e-9) for share, weight in TAIL_FROM), np.float64)


def mean_shift(histograms: Ints, expected: Ints, scores: Floats, windows: tuple[Ints, Ints], margin: float) -> Tested:
    """Whether the mean of `scores` (bins,) over a window differs from that over the evaluation data by more than
    `margin`. With `places` this is the test of Wilcoxon, Mann and Whitney, ties included.

    `histograms` (lines, bins) of the log, `expected` (bins,) of the evaluation data, `windows` (starts, ends).
    """
    starts, ends = windows
    m = expected.sum()
    usual = float(scores @ expected / m)
    variance = float(((scores - usual) ** 2) @ expected / m)
    n = summed(histograms.sum(axis=1), starts, ends)
    means = (summed(histograms @ scores, starts, ends)) / np.maximum(n, 1) - usual
    if variance <= 0:
        return Tested(np.full(len(ends), -np.inf), np.zeros(len(ends)))
    spread = dispersion(_blocks(histograms.sum(axis=1), ends), _blocks(histograms @ scores, ends), variance)
    error = np.sqrt(variance * (spread / np.maximum(n, 1) + 1 / m))
    return Tested(np.where(n > 0, (np.abs(means) - margin) / error, -np.inf), np.sign(means))


def _blocks(values: Floats | Ints, ends: Ints) -> Floats:
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    return summed(values, starts, ends)


def dispersion(n: Floats, sums: Floats, variance: float) -> Floats:
    """By which factor (looks,), 1 at least, means of blocks vary more than those of as many independent requests: from
    the squared moving ranges up to each look, against those of independent ones (see `settled`).
    """
    means = sums / np.maximum(n, 1)
    usual = variance * (1 / np.maximum(n[1:], 1) + 1 / np.maximum(n[:-1], 1))
    return settled(np.diff(means) ** 2 / usual)


def settled(ratios: Floats) -> Floats:
    """1 at least (k + 1,): before each look the mean of the last 500 `ratios` (k,), and 2 with the weight of ten: at
    the beginning of a log, requests are taken to come in twos that are alike. What is beyond nine times the mean so far
    (three standard deviations) is a change and no dispersion; it counts as nine times.
    """
    found = np.full(len(ratios) + 1, PRIOR_DISPERSION)
    kept: deque[float] = deque(maxlen=LOOKED_BACK)
    total = 0.0
    for at, ratio in enumerate(ratios.tolist(), 1):
        total -= kept[0] if len(kept) == LOOKED_BACK else 0.0
        kept.append(min(ratio, MOST_RATIO * float(found[at - 1])))
        total += kept[-1]
        found[at] = max(1.0, (total + PRIOR_BLOCKS * PRIOR_DISPERSION) / (len(kept) + PRIOR_BLOCKS))
    return found


def cells_of(expected: Ints) -> Ints:
    """In which cell (classes,) each class is counted: the 30 most frequent have their own, the rest shares one."""
    cells = np.full(len(expected), -1, np.int64)
    own = [number for number in np.argsort(-expected, kind="stable")[:MOST_CELLS] if expected[number] >= LEAST_IN_CELL]
    cells[own] = np.arange(len(own))
    cells[cells < 0] = len(own)
    return cells


def classes_shift(classes: Ints, expected: Ints, windows: tuple[Ints, Ints]) -> Tested:
    """Whether classes are answered in other shares than on the evaluation data: Pearson's χ² of two samples, against
    the noncentral χ² of the margin.

    `classes` (lines, classes) of the log, `expected` (classes,) of the evaluation data.
    """
    starts, ends = windows
    cells = cells_of(expected)
    merge = (cells[:, None] == np.arange(cells.max() + 1)).astype(np.int64)
    counts, usual = classes @ merge, expected @ merge
    if usual.sum() == 0 or merge.shape[1] < 2:
        return Tested(np.full(len(ends), -np.inf), np.zeros(len(ends)))
    found = summed(counts, starts, ends)
    m, n = float(usual.sum()), found.sum(axis=1)
    blocks = _blocks(counts, ends)
    free = merge.shape[1] - 1
    between = [chi_square(one, other) for one, other in zip(blocks[1:], blocks[:-1], strict=True)]
    spread = settled(np.asarray(between) / free)
    squares = np.asarray([chi_square(one, usual.astype(np.float64)) for one in found]) / spread
    z = beyond_noncentral(squares, free, CLASSES_MARGIN * n * m / (n + m) / spread)
    return Tested(np.where(n > 0, z, -np.inf), np.ones(len(ends)))


def chi_square(one: Floats, other: Floats) -> float:
    """Pearson's χ² of two histograms (cells,)."""
    n, m, both = one.sum(), other.sum(), one + other
    there = both > 0
    if n == 0 or m == 0:
        return 0.0
    difference = np.sqrt(m / n) * one[there] - np.sqrt(n / m) * other[there]
    return float((difference**2 / both[there]).sum())


def beyond_noncentral(squares: Floats, free: int, noncentrality: Floats) -> Floats:
    """Standard normal deviates of noncentral χ² variables with `free` degrees of freedom: the cube root is nearly
    normal (Abdel-Aty, Biometrika 1954; for none the one of Wilson and Hilferty).
    """
    scale = free + noncentrality
    variance = 2 / 9 * (free + 2 * noncentrality) / scale**2
    return np.asarray((np.cbrt(squares / scale) - (1 - variance)) / np.sqrt(variance), np.float64)


def log_upper_tail(found: Floats, n: Floats, share: float | Floats) -> Floats:
    """A bound of ln P(X ≥ `found`) for X of `n` with `share` each: −n KL(found/n ‖ share) (Chernoff 1952; Hoeffding,
    JASA 1963, theorem 1). It holds for every n. 0 where no more was found than expected.
    """
    safe = np.maximum(n, 1)
    seen = np.clip(found / safe, 1e-12, 1 - 1e-12)
    divergence = seen * np.log(seen / share) + (1 - seen) * np.log((1 - seen) / (1 - share))
    return np.where((n > 0) & (found / safe > share), -safe * divergence, 0.0)
