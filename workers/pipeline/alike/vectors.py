"""Compare vectors to search with, after the direction that all have in common is removed (arXiv 1909.00512)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CENTERED_COSINE = 0.98
LENGTH_MOVED = 0.1

CHORD = 0.19
"""Two vectors of equal length at a cosine of .98 are .2 of that length apart, and .199 at least if lengths differ."""

LEAST_FOR_CENTER, LEAST_SPREAD, USUAL_SPREAD = 3, 0.05, 0.25
"""Of fewer vectors, and of the same vector again and again, no center is known: vectors of real encoders lie .25 and
more from their mean direction."""


def unit(values: Floats) -> Floats:
    """(n, width): each row at length 1; zeros stay zeros."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norms > 0, norms, 1.0), np.float64)


def centered(values: Floats, center: Floats) -> Floats:
    """(n, width): directions without `center` (width,), at length 1."""
    return unit(unit(values) - center)


def other_length(old: Floats, new: Floats) -> Flags:
    """(n,): whether the length changed by more than a tenth, which a search by dot product ranks by; that all became
    longer alike orders nothing anew, but for vectors of length 1, whose products are read as cosines."""
    before, after = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
    ratio = after / np.where(before > 0, before, 1.0)
    known = np.isfinite(ratio)
    usual = 1.0 if np.allclose(before, 1, atol=0.01) or not known.any() else float(np.median(ratio[known])) or 1.0
    return np.asarray(known & (np.abs(ratio / usual - 1) > LENGTH_MOVED), np.bool_)


def unlike_vectors(old: NDArray[Any], new: NDArray[Any], share: float) -> Flags:
    """(n,) of vectors (n, width): whether the direction moved by more than `share` of what the proof allows, measured
    by how far each vector lies from the center of all `old`, or the length by more than `share` of a tenth."""
    a, b = unit(old.astype(np.float64)), unit(new.astype(np.float64))
    spread = np.linalg.norm(a - a.mean(axis=0), axis=1)
    spread = np.where((spread >= LEAST_SPREAD) & (len(a) >= LEAST_FOR_CENTER), spread, USUAL_SPREAD)
    before, after = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
    longer = np.abs(after - before) > share * LENGTH_MOVED * before
    turned = np.linalg.norm(a - b, axis=1) > share * CHORD * spread
    return np.asarray(turned | longer | other_length(old, new), np.bool_)
