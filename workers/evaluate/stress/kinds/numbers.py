"""Define kinds of stress for numbers: `NumberSample` in, its array out."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import mark
from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, NumberSample, Stress


def inexact(row: NumberSample, share: float, rng: Generator) -> NDArray[Any]:
    """Add a normal error relative to each feature's spread."""
    error = rng.normal(0, 1, row.values.shape) * row.spread * share
    return row.fitted(row.values.astype("float64") + error)


def missing(row: NumberSample, share: float, rng: Generator) -> NDArray[Any]:
    """Replace a share of the features by their mean, as if they were missing."""
    size = row.values.size
    count = min(size, max(1, round(share * size)))
    gone = np.zeros(size, bool)
    gone[rng.choice(size, count, replace=False)] = True
    return row.fitted(np.where(gone.reshape(row.values.shape), row.center, row.values))


_kind = partial(Stress, takes="arrays", group="numbers", quick=(1, 2, 3))

KINDS = (
    _kind("numbers_noise", "Inexact numbers", "With inexact numbers", inexact, (0.1, 0.25, 0.5),
          levels=("10 %", "25 %", "50 %"), source=mark("errors of 10, 25 and 50 % of each feature's spread")),
    _kind("numbers_missing", "Missing numbers", "With missing numbers", missing, SHARES,
          levels=SHARE_WORDS, source=mark("5, 10 and 20 % of the features filled in with their mean")),
)  # fmt: skip
