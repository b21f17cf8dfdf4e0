"""Reduce the logits of a language model to the few numbers by which two versions are compared.

The share of tokens whose pick is less than half as likely as the original's pick follows exactly from the most likely
tokens of each version. So logits need not be kept (10,000 places of 49,152 tokens would be 2 GB).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEPT = 64
"""Number of most likely tokens that are kept.

More than that many tokens lie within half of the first one's probability only if that is below 1/32. Such a pick counts
as a different one.
"""

WIDTH = 2 + 2 * KEPT
"""Number of columns: the following token, its log probability, the likeliest tokens, their log probabilities."""

NONE, NEVER = -1.0, -1e4
"""Token and log probability that fill the columns of a vocabulary with fewer tokens."""


def thoughts(logits: NDArray[np.float32], following: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the scores of the next token at each place.

    Args:
        logits: float32 (places, vocabulary).
        following: the tokens (places,) that really follow, int64.

    Returns:
        Float32 (places, `WIDTH`) with natural log probabilities; rows with logits that are not finite become NaN.
    """
    places, vocabulary = logits.shape
    kept = min(KEPT, vocabulary)
    top = logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(axis=-1, dtype=np.float64))
    rows = np.arange(places)
    out = np.full((places, WIDTH), NEVER, np.float32)
    out[:, 2 : 2 + KEPT] = NONE
    out[:, 0] = following
    out[:, 1] = logits[rows, following] - top[:, 0] - total
    first = np.argpartition(-logits, kept - 1, axis=-1)[:, :kept]
    values = np.take_along_axis(logits, first, axis=-1)
    order = np.lexsort((first, -values), axis=-1)  # ties: lower token number first, like argmax
    first, values = np.take_along_axis(first, order, -1), np.take_along_axis(values, order, -1)
    out[:, 2 : 2 + kept] = first
    out[:, 2 + KEPT : 2 + KEPT + kept] = values - top - total[:, None]
    out[~np.isfinite(logits).all(axis=-1)] = np.nan
    return out
