"""Both models' predictions for the same test items: what every proof task and every score looks at."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.predictions import Answers, Values


@dataclass(frozen=True)
class Case:
    """Both models' predictions for the test items of `data`. `items` (n,) are the numbers of those that count."""

    data: DataSet
    old: Answers
    new: Answers
    items: NDArray[np.int64]
    seed: int = 0

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

    def only(self, wanted: NDArray[np.bool_]) -> "Case":
        """The same for some of the items; `wanted` (n,)."""
        return Case(self.data, self.old, self.new, self.items[wanted], self.seed)


def case_of(data: DataSet, old: Answers, new: Answers, seed: int = 0) -> Case:
    """All items that both predicted and to which the original gives finite numbers."""
    n = min(old.n, new.n, len(data.test))
    return Case(data, old, new, np.flatnonzero(old.finite[:n]), seed)
