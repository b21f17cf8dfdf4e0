"""Two models' class answers to the same items, aligned with the labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.proof.stats import CONFIDENCE, at_least

GUESS_ITEMS = 20
"""From this many labelled items on, always naming the most frequent class counts as guessing."""


@dataclass(frozen=True)
class Pair:
    """Both models' answers to the same n items. `labels` are accepted classes, empty where there are none."""

    items: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    labels: Sequence[tuple[int, ...]]
    old_shares: NDArray[np.float64] | None
    new_shares: NDArray[np.float64] | None

    @property
    def changed(self) -> NDArray[np.bool_]:
        return np.asarray(self.old != self.new, dtype=np.bool_)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return np.asarray([bool(accepted) for accepted in self.labels], dtype=np.bool_)

    def right(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each answer is one of the accepted ones."""
        pairs = zip(answers.tolist(), self.labels, strict=True)
        return np.asarray([answer in accepted for answer, accepted in pairs], dtype=np.bool_)


def make_pair(data: DataSet, old: Answers, new: Answers) -> Pair:
    """Align two sets of answers with the labels."""
    assert old.predicted is not None and new.predicted is not None
    n = min(old.n, new.n, len(data.test))
    items = np.flatnonzero(old.predicted[:n] >= 0)
    return Pair(
        items=items,
        old=old.predicted[items],
        new=new.predicted[items],
        labels=[data.test[i].labels for i in items],
        old_shares=shares_of(old, items),
        new_shares=shares_of(new, items),
    )


def shares_of(answers: Answers, items: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """(n, classes) probabilities; a single score becomes two classes. None where items have others, or no shares."""
    if answers.scores == "none":
        return None
    rows = [answers.answer[i].reshape(-1) for i in items]
    if not rows or len({len(row) for row in rows}) != 1:
        return None
    values = np.nan_to_num(np.stack(rows).astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30)
    if answers.scores != "probabilities":
        if values.shape[1] == 1:
            values = 0.5 * (1 + np.tanh(0.5 * values))
        else:
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values


def is_guessing(labels: Sequence[tuple[int, ...]], hits: int, classes: int) -> bool:
    """Whether `hits` are no more than naming one class always would give (or any class, on a small set)."""
    labelled = [set(accepted) for accepted in labels if accepted]
    each = {label for accepted in labelled for label in accepted}
    chance = 1 / max(classes, len(each), 2)
    if len(labelled) >= GUESS_ITEMS and len(each) > 1:
        chance = max(sum(label in accepted for accepted in labelled) for label in each) / len(labelled)
    n = len(labelled)
    return hits / n <= chance or (n >= GUESS_ITEMS and at_least(hits, n, chance) > 1 - CONFIDENCE)


def classes_of(data: DataSet, answers: Answers) -> int:
    if data.classes is not None:
        return len(data.classes)
    return int(answers.answer[0].size) if len(answers.answer) else 2
