"""Align the predicted classes of two models for the same items with the labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.stats import CONFIDENCE, at_least

GUESS_ITEMS = 20
"""From this number of labelled items on, a model that always names the most frequent class counts as guessing."""


@dataclass(frozen=True)
class ClassPredictions:
    """Predicted classes of both models for the same n items.

    Attributes:
        items: Array (n,) with the numbers of the items in the test set.
        old: Array (n,) with the classes of the original.
        new: Array (n,) with the classes of the version.
        labels: Accepted classes of each item; empty where there is no label.
        old_shares: Probabilities (n, classes) of the original, if known.
        new_shares: Probabilities of the version, if known, always in the shape of the original's.
    """

    items: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    labels: Sequence[tuple[int, ...]]
    old_shares: NDArray[np.float64] | None
    new_shares: NDArray[np.float64] | None

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Return where the predicted class differs, (n,)."""
        return np.asarray(self.old != self.new, dtype=np.bool_)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Return which items have a label, (n,)."""
        return np.asarray([bool(accepted) for accepted in self.labels], dtype=np.bool_)

    def right(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each prediction is one of the accepted classes, (n,)."""
        pairs = zip(answers.tolist(), self.labels, strict=True)
        return np.asarray([answer in accepted for answer, accepted in pairs], dtype=np.bool_)


def class_predictions(case: Case) -> ClassPredictions:
    """Align the predicted classes of both models with the labels.

    Where the version gives another number of values than the original, its class is −1 and its shares are 0.
    """
    old, new = case.old, case.new
    assert old.predicted is not None and new.predicted is not None
    items = case.items[old.predicted[case.items] >= 0]
    sizes = [(old.answer[i].size, new.answer[i].size) for i in items]
    alike = np.asarray([was == now for was, now in sizes], np.bool_)
    before, after = shares_of(old, items), shares_of(new, items[alike])
    if before is not None and after is not None:
        whole = np.zeros(before.shape)
        whole[alike] = after
        after = whole
    return ClassPredictions(
        items, old.predicted[items], np.where(alike, new.predicted[items], -1),
        [case.data.test[i].labels for i in items], before, after,
    )  # fmt: skip


def shares_of(answers: Predictions, items: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return the probabilities (n, classes); a single score becomes two classes.

    Returns None if the model gives no scores, or if their number differs from item to item.
    """
    if answers.scores == "none":
        return None
    rows = [answers.answer[i].reshape(-1) for i in items]
    if not rows or len({len(row) for row in rows}) != 1:
        return None
    values = np.nan_to_num(np.stack(rows).astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30)
    if values.shape[1] == 1:
        shares = to_shares(values, answers.scores)
        return np.hstack([1 - shares, shares])
    if answers.scores != "probabilities":
        values = np.exp(values - values.max(axis=1, keepdims=True))
        values /= values.sum(axis=1, keepdims=True)
    return values


def to_shares(values: NDArray[np.floating], scores: str) -> NDArray[np.float64]:
    """Return independent scores as probabilities, in the shape of `values`; `scores` is their kind."""
    numbers = np.asarray(values, np.float64)
    return numbers if scores == "probabilities" else np.asarray(0.5 * (1 + np.tanh(0.5 * numbers)), np.float64)


def is_guessing(labels: Sequence[tuple[int, ...]], hits: int, classes: int) -> bool:
    """Return whether `hits` are no more than guessing would give.

    Guessing means that one class is always named, or on a small set that any class is named.
    """
    labelled = [set(accepted) for accepted in labels if accepted]
    each = {label for accepted in labelled for label in accepted}
    chance = 1 / max(classes, len(each), 2)
    if len(labelled) >= GUESS_ITEMS and len(each) > 1:
        chance = max(sum(label in accepted for accepted in labelled) for label in each) / len(labelled)
    n = len(labelled)
    return hits / n <= chance or (n >= GUESS_ITEMS and at_least(hits, n, chance) > 1 - CONFIDENCE)


def class_count(case: Case) -> int:
    """Return the number of classes, from the data set or from the size of the original's first prediction."""
    return int(case.old.answer[0].size) if case.data.classes is None else len(case.data.classes)
