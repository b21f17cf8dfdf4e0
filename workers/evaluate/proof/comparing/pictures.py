"""Pictures beside pictures: PSNR and SSIM, of whole ones and of their worst part.

Worked out in numpy and scipy: the library for it takes five seconds to load, for each version. Tests hold the values
against torchmetrics and scikit-image.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SMALLEST_SIDE = 11
"""SSIM looks through a window of this size (Wang et al., IEEE TIP 13:600, 2004)."""

DEVIATION, K1, K2 = 1.5, 0.01, 0.03
SAME_DB = 120.0
"""Stands for "no difference at all", whose PSNR is infinite."""


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Peak signal-to-noise ratio in dB, at most 120, of values that span 1."""
    error = float(np.square(np.asarray(a, np.float64) - b).mean())
    return min(-10 * math.log10(error), SAME_DB) if error > 0 else SAME_DB


def ssim(a: Floats, b: Floats) -> float:
    """Mean structural similarity of (channels, height, width) with values that span 1."""
    return float(ssim_map(a, b).mean())


def ssim_map(a: Floats, b: Floats) -> Floats:
    """SSIM around each pixel that is five from the edge: (channels, height − 10, width − 10).

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
    return np.asarray(alike / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)), np.float64)


def worst_tile(errors: Floats, side: int) -> float:
    """The largest mean of `errors` (height, width) over tiles of `side`, half overlapping."""
    height, width = errors.shape
    side = max(1, min(side, height, width))
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = errors.cumsum(axis=0).cumsum(axis=1)
    rows = np.unique([*range(0, height - side + 1, max(1, side // 2)), height - side])
    columns = np.unique([*range(0, width - side + 1, max(1, side // 2)), width - side])
    top, left = np.ix_(rows, columns)
    total = sums[top + side, left + side] - sums[top, left + side] - sums[top + side, left] + sums[top, left]
    return float(total.max() / side**2)
