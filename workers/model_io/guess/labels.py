"""Detect scores of several labels at once: shares that do not add up to 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_LABELS, LEAST_VALUES = 3, 12
"""Smallest numbers of labels and values; with fewer, all may lie between 0 and 1 by chance."""

OFF = 0.05


def several_labels(values: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether predictions (n, labels) for a few inputs are scores of several labels."""
    rows = [value.reshape(-1, value.shape[-1]) for value in values if value.ndim == 2]
    if not rows or rows[0].shape[1] < LEAST_LABELS or sum(row.size for row in rows) < LEAST_VALUES:
        return False
    shares = all(bool(((row > 0) & (row < 1)).all()) for row in rows)
    return shares and any(bool((np.abs(row.sum(axis=1) - 1) > OFF).any()) for row in rows)
