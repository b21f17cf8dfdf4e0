"""When shares (probabilities) of classes, labels or time steps differ so that a person would notice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

SCORE_MOVED = 0.1
"""People set thresholds of their own on a single score: a nudity filter in INT8 named the same class on every picture
while its scores were at cosine .945."""

THRESHOLD = 0.5
NEAR = 0.05
"""A label that crosses the threshold while both scores lie this near to it is one that nobody relies on."""


def unlike_labels(old: Floats, new: Floats, moved: float = SCORE_MOVED) -> Flags:
    """(n, labels): whether a label is lost, new, or its score changed by more than `moved`; all of a score that is no
    number.
    """
    other = (old >= THRESHOLD) != (new >= THRESHOLD)
    near = (np.abs(old - THRESHOLD) <= NEAR) & (np.abs(new - THRESHOLD) <= NEAR)
    return np.asarray((other & ~near) | ~(np.abs(new - old) <= moved), np.bool_)


def unlike_classes(old: Floats, new: Floats, moved: float) -> Flags:
    """(n,) of shares (n, classes): whether another class leads, or any share changed by more than `moved`.

    Two classes of which the second has at least 1 − `moved` of the first one's share, in both predictions, are a tie
    that rounding decides.
    """
    rows, was, now = np.arange(len(old)), old.argmax(axis=1), new.argmax(axis=1)
    tie = (old[rows, now] >= (1 - moved) * old[rows, was]) & (new[rows, was] >= (1 - moved) * new[rows, now])
    return np.asarray(((was != now) & ~tie) | (np.abs(new - old).max(axis=1) > moved), np.bool_)
