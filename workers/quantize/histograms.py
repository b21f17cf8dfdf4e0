"""How the values of a tensor are distributed over many examples, and which range for 8 bits keeps them best."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 2048
MOST_VALUES = 1 << 18
"""Of a larger tensor every so many-th value is counted; its extremes are always those of all values."""

LEVELS = 255
STEPS = 48
SMALLEST = 0.1
"""Ranges are tried from this share of the full one on."""


class Histogram:
    """Counts in equal bins over −limit … limit; `low` and `high` are the extremes seen."""

    def __init__(self) -> None:
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
        """Double the limit until it holds `wanted`; neighbors become one, so that no count moves to a wrong bin."""
        if self.limit == 0:
            self.limit = wanted or 1.0
        while self.limit < wanted:
            self.limit *= 2
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            quarter = np.zeros(BINS // 4, np.int64)
            self.counts = np.concatenate([quarter, merged, quarter])

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of each bin."""
        width = 2 * self.limit / BINS
        return np.asarray(-self.limit + width * (np.arange(BINS) + 0.5), np.float64)

    def whole(self) -> tuple[float, float]:
        """All that was seen."""
        return (self.low, self.high) if self.low <= self.high else (0.0, 0.0)

    def without_rarest(self, percent: float) -> tuple[float, float]:
        """The range of `percent` of the values: as much is left out at each end."""
        total = self.counts.sum()
        if not total:
            return 0.0, 0.0
        tail = (100 - percent) / 200
        shares = np.cumsum(self.counts) / total
        centers = self.centers
        left = centers[min(int(np.searchsorted(shares, tail, side="right")), BINS - 1)]
        right = centers[min(int(np.searchsorted(shares, 1 - tail)), BINS - 1)]
        return max(self.low, float(left)), min(self.high, float(right))

    def least_error(self, symmetric: bool = False) -> tuple[float, float]:
        """The range with the smallest mean squared error of rounding and clipping together.

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
    """Sum of squared differences between values and what 8 bits over low … high make of them."""
    scale = (high - low) / LEVELS
    if scale <= 0:
        return float(counts @ centers**2)
    clipped = np.clip(centers, low, high)
    # Values are spread within their bin, so that inside the range the error is that of rounding on average; near zero,
    # which is kept exactly (and of which ReLU makes a lot), it is at most the value itself.
    squares = np.where(clipped == centers, np.minimum(scale * scale / 12, centers**2), (centers - clipped) ** 2)
    return float(counts @ squares)
