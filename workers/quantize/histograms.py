"""Collect the distribution of a tensor's values over many examples and choose the best range for 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 2048
MOST_VALUES = 1 << 18
"""Largest number of counted values; larger tensors are subsampled, but their extremes cover all values."""

LEVELS = 255
STEPS = 48
SMALLEST = 0.1
"""Smallest share of the full range that is tried."""


class Histogram:
    """Counts in equal bins from −limit to limit; `low` and `high` are the observed extremes."""

    def __init__(self) -> None:
        """Create an empty histogram."""
        self.counts = np.zeros(BINS, np.int64)
        self.limit = 0.0
        self.low, self.high = np.inf, -np.inf

    def add(self, values: NDArray[Any]) -> None:
        """Count the values of one example."""
        flat = values.reshape(-1)
        if not flat.size:
            return
        self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
        self._grow(max(abs(self.low), abs(self.high)))
        flat = flat[:: -(-flat.size // MOST_VALUES)].astype(np.float64)
        bins = ((flat + self.limit) * (BINS / 2 / self.limit)).astype(np.int64)
        self.counts += np.bincount(np.minimum(bins, BINS - 1), minlength=BINS)

    def _grow(self, wanted: float) -> None:
        """Double the limit until it holds `wanted`; neighboring bins merge, so that every count stays in its range."""
        if self.limit == 0:
            self.limit = wanted or 1.0
        while self.limit < wanted:
            self.limit *= 2
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            quarter = np.zeros(BINS // 4, np.int64)
            self.counts = np.concatenate([quarter, merged, quarter])

    @property
    def centers(self) -> NDArray[np.float64]:
        """Return the middle of each bin (BINS,), float64."""
        width = 2 * self.limit / BINS
        return np.asarray(-self.limit + width * (np.arange(BINS) + 0.5), np.float64)

    def whole(self) -> tuple[float, float]:
        """Return the full observed range."""
        return (self.low, self.high) if self.low <= self.high else (0.0, 0.0)

    def least_error(self, symmetric: bool = False) -> tuple[float, float]:
        """Return the range with the smallest mean squared error of rounding and clipping together.

        Source: A White Paper on Neural Network Quantization, arXiv 2106.08295, section 3.1, “mean squared error”.
        """
        low, high = (min(self.whole()[0], 0.0), max(self.whole()[1], 0.0))
        if symmetric:
            high = max(-low, high)
            low = -high
        used = self.counts > 0
        counts, centers = self.counts[used], self.centers[used]
        shares = np.linspace(1.0, SMALLEST, STEPS)
        errors = [_error(counts, centers, low * share, high * share) for share in shares]
        best = float(shares[int(np.argmin(errors))])
        return low * best, high * best


def _error(counts: NDArray[np.int64], centers: NDArray[np.float64], low: float, high: float) -> float:
    """Return the sum of squared errors after quantizing the values to 8 bits from `low` to `high`."""
    scale = (high - low) / LEVELS
    if scale <= 0:
        return float(counts @ centers**2)
    clipped = np.clip(centers, low, high)
    # Values are spread within their bin, so inside the range the error is the average rounding error. Near zero, which
    # is kept exactly (and which ReLU produces often), the error is at most the value itself.
    squares = np.where(clipped == centers, np.minimum(scale * scale / 12, centers**2), (centers - clipped) ** 2)
    return float(counts @ squares)
