"""Numbers of unknown meaning: each output channel is held to its own spread over the items, however small it is.

Cosine or relative error over a whole tensor is never a gate: places of boxes are large numbers beside their scores, so
that a detector that finds nothing any more is alike to .9997 (EVALUATION.md, meituan/YOLOv6#969).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import Item
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Floats, ProofTask
from workers.evaluate.proof.groups import MOST_VALUES
from workers.evaluate.proof.predictions import Values

ERROR_SHARE = 0.1
"""A channel's error (root of the mean square over an item's positions) above this share of its spread is a change:
what BF16 does to real models stays below .03, noise that people notice is above .3."""

CONSTANT = 1e-6
"""A spread below this share of the mean is none: the mean's size takes its place."""


def compare(case: Case) -> Differences:
    """The worst channel of all float outputs counts, item by item; other outputs as far as they were kept."""
    errors = channel_errors(case.answers("old"), case.answers("new"))
    worst, whose = errors, np.zeros(len(errors), np.int64)
    names = [""]
    for name, old, new, at in _others(case):
        names.append(name)
        more = np.zeros(len(errors))
        more[at] = channel_errors(old, new)
        whose[more > worst] = len(names) - 1
        worst = np.maximum(worst, more)
    notes = []
    changed = worst > ERROR_SHARE
    if changed.any() and (culprit := names[int(whose[int(np.argmax(worst))])]):
        notes.append(f"The output “{culprit}” changed most, more than the answer itself.")
    similarity = np.clip(1 - worst, 0.0, 1.0)
    return Differences(case.items, changed, worst, similarity=similarity, classes=class_names(case.facts), notes=notes)


def channel_errors(old: Sequence[Values], new: Sequence[Values]) -> Floats:
    """(n,): the largest error of any channel, as a share of that channel's spread (standard deviation over all items
    and positions of the original). Infinite where the shape differs or the new one is no number."""
    spreads = channel_spreads(old)
    return np.asarray([_error(a, b, spreads) for a, b in zip(old, new, strict=True)], np.float64)


def channel_spreads(values: Sequence[Values]) -> Floats:
    """(channels,): spread of each, or, of a constant one, the size of its mean (1 where that is 0)."""
    rows = [by_channel(part) for part in values]
    if len({len(row) for row in rows}) != 1:
        rows = [row.reshape(1, -1) for row in rows]
    count = sum(row.shape[1] for row in rows)
    mean = sum(row.sum(axis=1) for row in rows) / max(count, 1)
    square = sum(((row - mean[:, None]) ** 2).sum(axis=1) for row in rows) / max(count, 1)
    spread, size = np.sqrt(square), np.abs(mean)
    return np.asarray(np.where(spread > CONSTANT * size, spread, np.where(size > 0, size, 1.0)), np.float64)


def by_channel(values: Values) -> Floats:
    """(channels, positions) of one item's prediction.

    Of (channels,) each number is a channel; of (positions, channels) the last axis is, of (channels, height, width) or
    (height, width, channels) the shorter of the first and the last.
    """
    numbers = values.astype(np.float64)
    if numbers.ndim <= 1:
        return numbers.reshape(-1, 1)
    if numbers.ndim > 2 and numbers.shape[0] <= numbers.shape[-1]:
        return numbers.reshape(numbers.shape[0], -1)
    return np.moveaxis(numbers, -1, 0).reshape(numbers.shape[-1], -1)


def _error(old: Values, new: Values, spreads: Floats) -> float:
    if old.shape != new.shape or not np.isfinite(new).all():
        return float("inf")
    a, b = by_channel(old), by_channel(new)
    if len(a) != len(spreads):
        a, b = a.reshape(1, -1), b.reshape(1, -1)
    return float((np.sqrt(((b - a) ** 2).mean(axis=1)) / spreads).max(initial=0.0)) if a.size else 0.0


def _others(case: Case) -> Iterator[tuple[str, list[Values], list[Values], NDArray[np.int64]]]:
    """Each other float output: its name, both models' values, and at which of the items they are kept."""
    for name, values in case.old.others.items():
        given = case.new.others.get(name, ())
        kept = [
            (at, int(item))
            for at, item in enumerate(case.items)
            if item < min(len(values), len(given)) and np.isfinite(values[item]).all()
        ]
        if kept:
            places = np.asarray([at for at, _ in kept], np.int64)
            yield name, [values[i] for _, i in kept], [given[i] for _, i in kept], places


def class_names(items: Sequence[Item]) -> list[str] | None:
    """Labels as they were written, for slices; None where nearly each is another."""
    names = [item.group for item in items]
    different = len(set(filter(None, names)))
    return names if 1 < different <= max(MOST_VALUES, len(names) // 10) else None


TASK = ProofTask(
    "numbers",
    "Numbers",
    "any channel is off by more than a tenth of its spread",
    order=100,
    fits=lambda case: True,
    compare=compare,
)
