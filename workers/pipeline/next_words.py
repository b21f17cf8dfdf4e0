"""Decide when a language model's next token counts as changed; the judgement and bundles share this rule.

Rows come from the runtime's `next_tokens`: the token that follows, its log probability, the likeliest tokens, and their
log probabilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF = float(np.log(2.0))


def count_kept(rows: NDArray[np.float32]) -> int:
    """Return how many of the likeliest tokens each row holds."""
    return int((rows.shape[-1] - 2) // 2)


def changed_places(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return (places,) bool: `new`'s pick has less than half the probability of `old`'s pick, both by `old`.

    Picks that are not among the likeliest of `old` count as changed.
    """
    at = 2 + count_kept(old)
    tokens, logs = old[:, 2:at], old[:, at:]
    found = (tokens == new[:, 2:3]) & (logs >= logs[:, :1] - HALF)
    return np.asarray(~found.any(axis=-1), np.bool_)
