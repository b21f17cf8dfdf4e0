"""Numbers that are missing and were filled in with the feature's mean."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Generator, Row, Stress


def apply(row: Row, severity: int, rng: Generator) -> NDArray[Any]:
    size = row.values.size
    count = min(size, max(1, round(SHARES[severity - 1] * size)))
    gone = np.zeros(size, bool)
    gone[rng.choice(size, count, replace=False)] = True
    return row.fitted(np.where(gone.reshape(row.values.shape), row.center, row.values))


STRESS = Stress(
    "numbers_missing", "Missing numbers", "With missing numbers", "arrays", "numbers",
    "5, 10 and 20 % of the features filled in with their mean", 11, SHARE_WORDS, (1, 2, 3), apply,
)  # fmt: skip
