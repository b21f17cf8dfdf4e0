"""Decide when shares (probabilities) of classes, labels or time steps differ enough for a person to notice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

SCORE_MOVED = 0.1
"""Largest change of a single score, since users set their own thresholds on it.

A nudity filter in INT8 predicted the same class on every picture while its scores had a cosine of 0.945.
"""

THRESHOLD = 0.5
NEAR = 0.05
"""Distance from the threshold within which a change of the label does not count if both scores lie there."""


def unlike_labels(old: Floats, new: Floats, moved: float = SCORE_MOVED) -> Flags:
    """Return (n, labels) bool: a label is lost or new, its score moved by more than `moved`, or a score is NaN."""
    other = (old >= THRESHOLD) != (new >= THRESHOLD)
    near = (np.abs(old - THRESHOLD) <= NEAR) & (np.abs(new - THRESHOLD) <= NEAR)
    return np.asarray((other & ~near) | ~(np.abs(new - old) <= moved), np.bool_)


def unlike_classes(old: Floats, new: Floats, moved: float) -> Flags:
    """Return (n,) bool for shares (n, classes): the best class differs, or a share moved by more than `moved`.

    Two classes are a tie that rounding decides if the second has at least 1 − `moved` of the first one's share in both
    predictions.
    """
    rows, was, now = np.arange(len(old)), old.argmax(axis=1), new.argmax(axis=1)
    tie = (old[rows, now] >= (1 - moved) * old[rows, was]) & (new[rows, was] >= (1 - moved) * new[rows, now])
    return np.asarray(((was != now) & ~tie) | (np.abs(new - old).max(axis=1) > moved), np.bool_)
