"""When a next word of a language model counts as another one: the same rule in the judgement and in a bundle.

Rows are what `next_tokens` of the runtime gives: the token that follows, its log probability, the likeliest tokens, and
their log probabilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF = float(np.log(2.0))


def kept(rows: NDArray[np.float32]) -> int:
    """How many of the likeliest tokens each row holds."""
    return int((rows.shape[-1] - 2) // 2)


def changed_places(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(places,): the pick of `new` has under half of the probability of `old`'s own pick, by `old`. Picks that are not
    among the likeliest of `old` count as changed.
    """
    at = 2 + kept(old)
    tokens, logs = old[:, 2:at], old[:, at:]
    found = (tokens == new[:, 2:3]) & (logs >= logs[:, :1] - HALF)
    return np.asarray(~found.any(axis=-1), np.bool_)
