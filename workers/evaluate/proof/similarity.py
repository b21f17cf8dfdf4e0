"""Measure how similar two predictions are that are not classes, by cosine and relative error; 1 means equal."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def cosine(old: Values, new: Values) -> float:
    """Return the cosine of two arrays of any shape, treated as vectors.

    Two zero vectors have the cosine 1. Arrays of different shapes, or with values that are not finite, have 0.
    """
    if old.shape != new.shape:
        return 0.0
    a, b = old.astype(np.float64).ravel(), new.astype(np.float64).ravel()
    norms = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    if norms == 0:
        return 1.0 if not a.any() and not b.any() else 0.0
    value = float(a @ b) / norms
    return max(-1.0, min(1.0, value)) if math.isfinite(value) else 0.0


def similarity(old: Values, new: Values, spread: float | None = None) -> float:
    """Return the cosine, or less if the lengths differ too, 0..1.

    A cosine does not notice that all values were halved. So a relative error ε counts as its equivalent cosine, 1 −
    ε²/2. Single numbers are compared by their error divided by `spread`, the standard deviation over the set, because
    their cosine is always ±1.
    """
    if old.shape != new.shape:
        return 0.0
    difference = new.astype(np.float64).ravel() - old.astype(np.float64).ravel()
    scale = spread if spread is not None else math.sqrt(float((old.astype(np.float64) ** 2).sum()))
    error = math.sqrt(float(difference @ difference)) / scale if scale > 0 else float(difference.any())
    by_error = max(0.0, 1 - error * error / 2) if math.isfinite(error) else 0.0
    return by_error if old.size == 1 else min(cosine(old, new), by_error)


def spread_of(values: Sequence[Values]) -> float | None:
    """Return the standard deviation of single numbers over all items; None if predictions have several numbers."""
    if not values or any(part.size != 1 for part in values):
        return None
    numbers = np.asarray([float(part.reshape(-1)[0]) for part in values])
    return float(numbers.std()) or abs(float(numbers[0])) or 1.0


def similarities(old: Sequence[Values], new: Sequence[Values], direction_only: bool) -> NDArray[np.float64]:
    """Return the similarity of each item (n,).

    With `direction_only`, used for embeddings, vectors are compared by their cosine.
    """
    spread = spread_of(old)
    pairs = zip(old, new, strict=True)
    if direction_only and spread is None:
        return np.asarray([cosine(a, b) for a, b in pairs], dtype=np.float64)
    return np.asarray([similarity(a, b, spread) for a, b in pairs], dtype=np.float64)
