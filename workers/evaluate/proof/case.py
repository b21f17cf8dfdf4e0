"""Hold the predictions of both models for the same test items, the input of all proof tasks and scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.predictions import Predictions, Values

Result = TypeVar("Result")


@dataclass(frozen=True)
class Case:
    """Predictions of both models for the test items of `data`.

    Attributes:
        data: The data set.
        old: Predictions of the original.
        new: Predictions of the version.
        items: Array (n,) with the numbers of the items that count.
        seed: Seed of all resampling.
    """

    data: DataSet
    old: Predictions
    new: Predictions
    items: NDArray[np.int64]
    seed: int = 0
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, work: Callable[["Case"], Result]) -> Result:
        """Return `work(self)` and compute it only once, because the proof and the scores need the same results."""
        if work not in self._known:
            self._known[work] = work(self)
        result: Result = self._known[work]
        return result

    def stacked(self, which: Literal["old", "new"]) -> NDArray[np.float64]:
        """Return the predictions of one model for `items` as rows (n, values of one item).

        Rows are NaN where a prediction has another size than the original's first one, or is not finite.
        """
        return stacked(self.answers(which), self.old.answer[int(self.items[0])].size)

    @property
    def facts(self) -> list[Item]:
        """Return the items that count."""
        return [self.data.test[i] for i in self.items]

    def answers(self, which: Literal["old", "new"]) -> list[Values]:
        """Return the predictions of one model for `items`."""
        answer = self.old.answer if which == "old" else self.new.answer
        return [answer[i] for i in self.items]

    def texts(self, which: Literal["old", "new"]) -> list[str]:
        """Return the decoded texts of one model for `items`; "" where a model gives none."""
        texts = self.old.texts if which == "old" else self.new.texts
        return [texts[i] if texts is not None else "" for i in self.items]

    @property
    def pairs(self) -> list[tuple[Values, Values]]:
        """Return the predictions of the original and of the version for each of `items`."""
        return list(zip(self.answers("old"), self.answers("new"), strict=True))

    @property
    def is_identical(self) -> bool:
        """Return whether all predictions of `items` and all stored further outputs are equal to the last bit."""
        pairs = self.pairs
        for name, values in self.old.others.items():
            pairs += zip(values, self.new.others.get(name, ()), strict=False)
        lost = set(self.old.others) - set(self.new.others)
        same = not lost and self.texts("old") == self.texts("new")
        return same and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)

    @property
    def is_constant(self) -> bool:
        """Return whether the original gives the same for all `items`, to the last bit."""
        outputs = (self.answers("old"), *self.old.others.values())
        same = all(np.array_equal(part, values[0]) for values in outputs for part in values)
        return same and len(set(self.texts("old"))) == 1

    def only(self, wanted: NDArray[np.bool_]) -> "Case":
        """Return the same case, reduced to the items where `wanted` (n,) is True."""
        return Case(self.data, self.old, self.new, self.items[wanted], self.seed)


def stacked(values: Sequence[Values], width: int) -> NDArray[np.float64]:
    """Return the values of each item as a row (n, width); rows of another size, or that are not finite, are NaN."""
    rows = np.full((len(values), width), np.nan)
    for at, row in enumerate(values):
        if row.size == width and np.isfinite(row).all():
            rows[at] = row.reshape(-1)
    return rows


def case_of(data: DataSet, old: Predictions, new: Predictions, seed: int = 0) -> Case:
    """Return the case of all items that both models predicted and for which the original gives finite numbers."""
    n = min(old.n, new.n, len(data.test))
    return Case(data, old, new, np.flatnonzero(old.finite[:n]), seed)
