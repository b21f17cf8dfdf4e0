"""Both models' predictions for the same test items: what every proof task and every score looks at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.predictions import Answers, Values

Result = TypeVar("Result")


@dataclass(frozen=True)
class Case:
    """Both models' predictions for the test items of `data`. `items` (n,) are the numbers of those that count."""

    data: DataSet
    old: Answers
    new: Answers
    items: NDArray[np.int64]
    seed: int = 0
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, work: Callable[["Case"], Result]) -> Result:
        """What `work` makes of this case, worked out the first time only: the proof and the scores look at the same."""
        if work not in self._known:
            self._known[work] = work(self)
        result: Result = self._known[work]
        return result

    @property
    def facts(self) -> list[Item]:
        """The items themselves."""
        return [self.data.test[i] for i in self.items]

    def answers(self, which: Literal["old", "new"]) -> list[Values]:
        """The predictions of one model for `items`."""
        answer = self.old.answer if which == "old" else self.new.answer
        return [answer[i] for i in self.items]

    def texts(self, which: Literal["old", "new"]) -> list[str]:
        """The decoded texts of one model for `items`; "" where it gives none."""
        texts = self.old.texts if which == "old" else self.new.texts
        return [texts[i] if texts is not None else "" for i in self.items]

    @property
    def is_identical(self) -> bool:
        """Whether all predictions of `items`, and all further outputs that were kept, are equal to the last bit."""
        pairs = [*zip(self.answers("old"), self.answers("new"), strict=True)]
        for name, values in self.old.others.items():
            pairs += zip(values, self.new.others.get(name, ()), strict=False)
        lost = set(self.old.others) - set(self.new.others)
        return not lost and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs) and self._same_texts

    @property
    def _same_texts(self) -> bool:
        return self.texts("old") == self.texts("new")

    def only(self, wanted: NDArray[np.bool_]) -> "Case":
        """The same for some of the items; `wanted` (n,)."""
        return Case(self.data, self.old, self.new, self.items[wanted], self.seed)


def case_of(data: DataSet, old: Answers, new: Answers, seed: int = 0) -> Case:
    """All items that both predicted and to which the original gives finite numbers."""
    n = min(old.n, new.n, len(data.test))
    return Case(data, old, new, np.flatnonzero(old.finite[:n]), seed)
