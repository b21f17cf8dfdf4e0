"""Pictures as answers: how near they are to the original's (PSNR, SSIM).

Worked out in numpy and scipy: the library for it takes five seconds to load, for each version. Tests hold the values
against torchmetrics and scikit-image.
"""

import math

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Values
from workers.evaluate.scores.base import Floats, Score, Words, alone, mean_draws

SMALLEST_SIDE = 11
"""SSIM looks through a window of this size (Wang et al., IEEE TIP 13:600, 2004)."""

DEVIATION, K1, K2 = 1.5, 0.01, 0.03
MOST_ITEMS = 200
SAME_DB = 120.0
"""Stands for "no difference at all", whose PSNR is infinite."""

PSNR = Words(
    "psnr",
    "PSNR",
    "peak signal-to-noise ratio: how faint the difference to the original’s pictures is; above 40 dB nobody sees it",
    "dB",
)
SSIM = Words("ssim", "Same structure", "how alike edges and patterns are (SSIM); 1 is the same")


def fits(case: Case) -> bool:
    if case.old.answer_kind != "tensor" or not len(case.items):
        return False
    shape = case.old.answer[int(case.items[0])].shape
    return len(shape) == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) >= SMALLEST_SIDE


def measure(case: Case) -> list[TaskScore]:
    """The mean over pictures; the range is that of the original's values over all of them."""
    pairs = list(zip(case.answers("old"), case.answers("new"), strict=True))[:MOST_ITEMS]
    if any(a.shape != b.shape or not np.isfinite(b).all() for a, b in pairs):
        return []
    span = max(float(a.max()) for a, _ in pairs) - min(float(a.min()) for a, _ in pairs)
    if span <= 0:
        return []
    values = np.asarray([nearness(a, b, span) for a, b in pairs])
    draws: Floats = mean_draws(values, case.seed)
    n = len(values)
    return [
        alone(words, "generated pictures", n, float(values[:, k].mean()), draws[:, k])
        for k, words in enumerate((PSNR, SSIM))
    ]


def nearness(old: Values, new: Values, span: float) -> tuple[float, float]:
    """PSNR in dB (at most 120) and SSIM of two pictures (channels, height, width) whose values span `span`."""
    a, b = (np.asarray(values, np.float64) / span for values in (old, new))
    error = float(np.square(a - b).mean())
    return min(-10 * math.log10(error), SAME_DB) if error > 0 else SAME_DB, ssim(a, b)


def ssim(a: Floats, b: Floats) -> float:
    """Mean structural similarity of (channels, height, width) with values that span 1.

    Gaussian windows of deviation 1.5 and 11 pixels, only those that lie within the picture (Wang et al. 2004).
    """
    from scipy.ndimage import correlate1d

    steps = np.arange(SMALLEST_SIDE) - SMALLEST_SIDE // 2
    window = np.exp(-0.5 * np.square(steps / DEVIATION))
    window /= window.sum()
    edge = SMALLEST_SIDE // 2

    def mean(values: Floats) -> Floats:
        smooth = correlate1d(correlate1d(values, window, axis=1), window, axis=2)
        return np.asarray(smooth[:, edge:-edge, edge:-edge])

    mean_a, mean_b = mean(a), mean(b)
    spread_a, spread_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    shared = mean(a * b) - mean_a * mean_b
    c1, c2 = K1**2, K2**2
    alike = (2 * mean_a * mean_b + c1) * (2 * shared + c2)
    return float((alike / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))).mean())


SCORE = Score("generated-pictures", "Generated pictures", "numpy and scipy", 60, fits, measure)
