"""Name the items that a search with an embedding finds first, in the same gallery that the verdict uses."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import stacked
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.tasks.embedding import LEAST_GALLERY
from workers.pipeline.alike.vectors import unit

MOST = 3
NAME_CHARS = 160


class Search:
    """Vectors of one model to search in, and the names of their items."""

    def __init__(self, vectors: Sequence[NDArray[Any]], items: Sequence[Item], *, own: bool) -> None:
        """Create a search in `vectors`, which belong to `items` as far as both go.

        With `own`, the searched item itself is among them.
        """
        count = min(len(vectors), len(items))
        self._own = own
        self._names = [_name(item) for item in items[:count]]
        self._vectors = unit(stacked(vectors[:count], vectors[0].size)) if count else None

    @classmethod
    def of(cls, data: DataSet, answers: Predictions) -> Self:
        """Return a search in the gallery that the verdict uses."""
        if len(answers.gallery) >= LEAST_GALLERY:
            return cls(answers.gallery, data.calibration, own=False)
        return cls(answers.answer, data.test, own=True)

    def names(self, answer: NDArray[Any], item: int) -> tuple[str, ...]:
        """Return the names of the nearest items by cosine.

        Returns () if there is nothing to search in, or if the prediction is not a finite vector of the same width.
        """
        if self._vectors is None or answer.size != self._vectors.shape[1] or not np.isfinite(answer).all():
            return ()
        alike = self._vectors @ unit(answer.reshape(1, -1).astype(np.float64))[0]
        if self._own and item < len(alike):
            alike[item] = -np.inf
        order = np.argsort(-np.nan_to_num(alike, nan=-2.0), kind="stable")[:MOST]
        return tuple(self._names[int(at)] for at in order if np.isfinite(alike[at]))


def _name(item: Item) -> str:
    return " ".join((item.text or item.source).split())[:NAME_CHARS]
