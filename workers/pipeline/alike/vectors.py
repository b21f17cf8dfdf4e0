"""Compare embedding vectors for search, after removing the direction that all have in common (arXiv 1909.00512)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CENTERED_COSINE = 0.98
LENGTH_MOVED = 0.1

CHORD = 0.19
"""Largest distance of two vectors of length 1, slightly below the 0.2 (0.199 with different lengths) of cosine 0.98."""

NEAREST_WITHIN = 3
NEIGHBORS, OVERLAP = 10, 0.7
TIE = 0.02
"""Difference of centered cosines below which they count as equal.

Noise of 0.077 of the spread, as of BF16, moves cosines of vectors of 48 numbers by 0.016 and of 384 numbers by 0.006
(one standard deviation). Of 2,000 vectors none was flagged.
"""

LEAST_FOR_CENTER, LEAST_SPREAD, USUAL_SPREAD = 3, 0.05, 0.25
"""Conditions for a known center, and the spread assumed without one.

Too few vectors, or copies of one vector, have no center. Vectors of real encoders lie at least 0.25 from their mean
direction.
"""


def unit(values: Floats) -> Floats:
    """Return the rows (n, width) scaled to length 1; rows of zeros stay zeros."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norms > 0, norms, 1.0), np.float64)


def centered(values: Floats, center: Floats) -> Floats:
    """Return the directions (n, width) without `center` (width,), scaled to length 1."""
    return unit(unit(values) - center)


def other_length(old: Floats, new: Floats) -> Flags:
    """Return (n,) bool: the length changed by more than a tenth, which changes the ranking of a search by dot product.

    A common factor does not change the ranking. It counts only for vectors of length 1, whose products are read as
    cosines. Vectors that are zero in both have the same length.
    """
    before, after = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
    ratio = after / np.where(before > 0, before, 1.0)
    known = np.isfinite(ratio) & ((before > 0) | (after > 0))
    usual = 1.0 if np.allclose(before, 1, atol=0.01) or not known.any() else float(np.median(ratio[known])) or 1.0
    return np.asarray(known & (np.abs(ratio / usual - 1) > LENGTH_MOVED), np.bool_)


def finds_others(before: Floats, after: Floats, tie: float = 0.0) -> Flags:
    """Return (n,) bool for similarities (n, gallery): a search finds other items than before.

    That is the case if the nearest is not among the three nearest now, or if fewer than seven of the ten nearest are
    found again. Items less similar by at most `tie` count as equally near.
    """
    k = min(NEIGHBORS, before.shape[1])
    before, after = np.nan_to_num(before, nan=-2.0), np.nan_to_num(after, nan=-2.0)
    again = np.take_along_axis(after, np.argsort(-before, axis=1, kind="stable")[:, :k], axis=1)
    nearest = -np.sort(-after, axis=1)[:, :k] - tie
    lost = again[:, 0] < nearest[:, min(NEAREST_WITHIN, k) - 1]
    shared = (again >= nearest[:, -1:]).sum(axis=1)
    return np.asarray(lost | (shared < OVERLAP * k - 1e-9), np.bool_)


def _other_neighbors(a: Floats, b: Floats, share: float) -> Flags:
    """Return (n,) bool for vectors (n, width) of length 1: a search for each among the others finds other items."""
    center, count = a.mean(axis=0), len(a)
    others = ~np.eye(count, dtype=np.bool_)
    sides = (centered(part, center) for part in (a, b))
    before, after = ((side @ side.T)[others].reshape(count, count - 1) for side in sides)
    return finds_others(before, after, share * TIE)


def unlike_vectors(old: NDArray[Any], new: NDArray[Any], share: float) -> Flags:
    """Return (n,) bool for vectors (n, width): the direction, the length or the search results changed.

    The direction may move by `share` of the proof's tolerance, relative to each vector's distance from the center of
    all `old`; the length may change by `share` of a tenth.
    """
    a, b = unit(old.astype(np.float64)), unit(new.astype(np.float64))
    spread = np.linalg.norm(a - a.mean(axis=0), axis=1)
    has_center = (spread >= LEAST_SPREAD) & (len(a) >= LEAST_FOR_CENTER)
    spread = np.where(has_center, spread, USUAL_SPREAD)
    before, after = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
    longer = np.abs(after - before) > share * LENGTH_MOVED * before
    turned = np.linalg.norm(a - b, axis=1) > share * CHORD * spread
    unlike = turned | longer | other_length(old, new)
    if has_center.all():
        unlike |= _other_neighbors(a, b, share)
    return np.asarray(unlike, np.bool_)
