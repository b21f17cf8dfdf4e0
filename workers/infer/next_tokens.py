"""What a language model thinks of each next token, in few numbers: all that two versions are compared by.

The share of tokens whose version's pick is under half as likely as the original's own pick can be told exactly from the
likeliest tokens of each, so that no logits are kept (10,000 places of 49,152 tokens would be 2 GB).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEPT = 64
"""So many of the likeliest tokens are kept. More than that are within half of the first one only where it has less than
1 of 32: such a pick counts as another one."""

WIDTH = 2 + 2 * KEPT
"""Columns: the token that follows, its log probability, the likeliest tokens, their log probabilities."""

NONE, NEVER = -1.0, -1e4
"""What fills up a vocabulary of fewer tokens."""


def thoughts(logits: NDArray[np.float32], following: NDArray[np.int64]) -> NDArray[np.float32]:
    """(places, `WIDTH`) float32 from logits (places, vocabulary) and the tokens (places,) that really follow.

    Log probabilities are natural ones. Where logits are no finite numbers, neither are these.
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
    order = np.lexsort((first, -values), axis=-1)  # of equals the lower number, as argmax takes it
    first, values = np.take_along_axis(first, order, -1), np.take_along_axis(values, order, -1)
    out[:, 2 : 2 + kept] = first
    out[:, 2 + KEPT : 2 + KEPT + kept] = values - top - total[:, None]
    out[~np.isfinite(logits).all(axis=-1)] = np.nan
    return out
