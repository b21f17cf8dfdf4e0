"""Test whether inputs or predictions in windows of a log differ from the evaluation data, by histograms.

All tests need a difference beyond a margin. User traffic varies by time of day, weekday and mood, and even an
irrelevant change becomes significant with enough requests (Hodges and Lehmann, JRSS B 1954, on testing for material
significance). Requests of one user resemble each other, so blocks of requests differ more than by chance. This excess
is estimated by their moving ranges, which a single change does not disturb (Laney, Quality Engineering 2002), and
widens the variances.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from .series import Floats, Ints, blocks_to, summed

LOCATION_MARGIN = 0.06
"""Margin of the mean rank 0..1 among the evaluation data: about a fifth of its standard deviation."""
TAIL_MARGIN = 0.06
"""Margin of the mean tail score, in its standard deviations."""
CLASSES_MARGIN = 0.1
"""Margin of Σ (p − q)²/p: each share off by a third of itself."""
TAIL_FROM = ((0.8, 0.4), (0.9, 0.6), (0.95, 1.0))
"""Scores of the least familiar fifth: weights of values beyond these shares of the evaluation data."""
PRIOR_BLOCKS, PRIOR_DISPERSION, LOOKED_BACK, MOST_RATIO = 10, 2.0, 500, 9.0
MOST_CELLS, LEAST_IN_CELL = 30, 10


Tested = tuple[Floats, Floats]
"""Result of one test at each look, both (looks,): by how many standard deviations a window exceeds the margin (−inf
without a window), and the direction of the difference.
"""


def places(counts: Ints) -> Floats:
    """Return the mean rank 0..1 (bins,) of each bin of the evaluation data's histogram `counts` (bins,).

    The ranks are ridits (Bross, Biometrics 1958): the share below a bin plus half of the bin's share.
    """
    shares = counts / counts.sum()
    return np.asarray(np.cumsum(shares) - shares / 2)


def tail_scores(counts: Ints) -> Floats:
    """Return scores (bins,) that rise only in the upper fifth, like those of Savage (1956) for exponential data.

    Of ten rules these scores best separated pictures of a left-out class from those of the others.
    """
    below = np.concatenate([[0.0], np.cumsum(counts)[:-1] / counts.sum()])
    return np.asarray(sum(weight * (below >= share - 1e-9) for share, weight in TAIL_FROM), np.float64)


def mean_shift(histograms: Ints, expected: Ints, scores: Floats, starts: Ints, ends: Ints, margin: float) -> Tested:
    """Test whether the mean of `scores` (bins,) over a window differs from the evaluation data by more than `margin`.

    With `places` this is the test of Wilcoxon, Mann and Whitney, ties included.

    Args:
        histograms: (lines, bins) counts of the log.
        expected: (bins,) counts of the evaluation data.
        scores: (bins,) score of each bin.
        starts: (looks,) first line of each window.
        ends: (looks,) line after each window.
        margin: Tolerated difference of the means.
    """
    m = expected.sum()
    usual = float(scores @ expected / m)
    variance = float(((scores - usual) ** 2) @ expected / m)
    counts, sums = histograms.sum(axis=1), histograms @ scores
    n = summed(counts, starts, ends)
    means = summed(sums, starts, ends) / np.maximum(n, 1) - usual
    if variance <= 0:
        return np.full(len(ends), -np.inf), np.zeros(len(ends))
    blocks = blocks_to(ends), ends
    spread = dispersion(summed(counts, *blocks), summed(sums, *blocks), variance)
    error = np.sqrt(variance * (spread / np.maximum(n, 1) + 1 / m))
    return np.where(n > 0, (np.abs(means) - margin) / error, -np.inf), np.sign(means)


def dispersion(n: Floats, sums: Floats, variance: float) -> Floats:
    """Return the factor (looks,), at least 1, by which means of blocks vary more than those of independent requests.

    It is estimated from the squared moving ranges up to each look, divided by those of independent requests (see
    `settled`).
    """
    means = sums / np.maximum(n, 1)
    usual = variance * (1 / np.maximum(n[1:], 1) + 1 / np.maximum(n[:-1], 1))
    return settled(np.diff(means) ** 2 / usual)


def settled(ratios: Floats) -> Floats:
    """Return a running mean (k + 1,) of the last 500 `ratios` (k,), at least 1, with a prior of 2 that weighs ten.

    The prior assumes that requests at the beginning of a log come in similar pairs. A ratio above nine times the mean
    so far (three standard deviations) is a change and not dispersion; it counts as nine times the mean.
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
    """Return the cell (classes,) of each class: the 30 most frequent have their own, all others share one."""
    cells = np.full(len(expected), -1, np.int64)
    own = [number for number in np.argsort(-expected, kind="stable")[:MOST_CELLS] if expected[number] >= LEAST_IN_CELL]
    cells[own] = np.arange(len(own))
    cells[cells < 0] = len(own)
    return cells


def classes_shift(classes: Ints, expected: Ints, starts: Ints, ends: Ints) -> Floats:
    """Test whether the predicted classes' shares differ from the evaluation data: Pearson's χ² of two samples.

    The statistic is compared with the noncentral χ² of the margin. The result (looks,) is the number of standard
    deviations by which a window exceeds the margin (−inf without a window).

    Args:
        classes: (lines, classes) counts of the log.
        expected: (classes,) counts of the evaluation data.
        starts: (looks,) first line of each window.
        ends: (looks,) line after each window.
    """
    cells = cells_of(expected)
    merge = (cells[:, None] == np.arange(cells.max() + 1)).astype(np.int64)
    counts, usual = classes @ merge, expected @ merge
    if usual.sum() == 0 or merge.shape[1] < 2:
        return np.full(len(ends), -np.inf)
    found = summed(counts, starts, ends)
    m, n = float(usual.sum()), found.sum(axis=1)
    blocks = summed(counts, blocks_to(ends), ends)
    free = merge.shape[1] - 1
    between = [chi_square(one, other) for one, other in zip(blocks[1:], blocks[:-1], strict=True)]
    spread = settled(np.asarray(between) / free)
    squares = np.asarray([chi_square(one, usual.astype(np.float64)) for one in found]) / spread
    z = beyond_noncentral(squares, free, CLASSES_MARGIN * n * m / (n + m) / spread)
    return np.where(n > 0, z, -np.inf)


def chi_square(one: Floats, other: Floats) -> float:
    """Return Pearson's χ² of two histograms (cells,)."""
    n, m, both = one.sum(), other.sum(), one + other
    there = both > 0
    if n == 0 or m == 0:
        return 0.0
    difference = np.sqrt(m / n) * one[there] - np.sqrt(n / m) * other[there]
    return float((difference**2 / both[there]).sum())


def beyond_noncentral(squares: Floats, free: int, noncentrality: Floats) -> Floats:
    """Return standard normal deviates of noncentral χ² variables with `free` degrees of freedom.

    Their cube root is nearly normal (Abdel-Aty, Biometrika 1954; for noncentrality 0 that of Wilson and Hilferty).
    """
    scale = free + noncentrality
    variance = 2 / 9 * (free + 2 * noncentrality) / scale**2
    return np.asarray((np.cbrt(squares / scale) - (1 - variance)) / np.sqrt(variance), np.float64)


def log_upper_tail(found: Floats, n: Floats, share: float) -> Floats:
    """Return a bound of ln P(X ≥ `found`) for binomial X of `n` with `share`: −n KL(found/n ‖ share).

    The bound (Chernoff 1952; Hoeffding, JASA 1963, theorem 1) holds for every n. It is 0 if no more was found than
    expected.
    """
    safe = np.maximum(n, 1)
    seen = np.clip(found / safe, 1e-12, 1 - 1e-12)
    divergence = seen * np.log(seen / share) + (1 - seen) * np.log((1 - seen) / (1 - share))
    return np.where((n > 0) & (found / safe > share), -safe * divergence, 0.0)
