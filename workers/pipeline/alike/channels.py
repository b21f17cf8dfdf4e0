"""How far numbers of unknown meaning are apart: each channel is compared with its own spread, however small it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
Floats = NDArray[np.float64]

ERROR_SHARE = 0.1
"""A channel's error (root of the mean square over an item's positions) above this share of its spread is a change:
what BF16 does to real models stays below .03, noise that people notice is above .3."""

CONSTANT = 1e-6
"""A spread below this share of the mean is none: the mean's size takes its place."""

IQR_OF_NORMAL = 1.349
"""Quartiles of a normal distribution lie so many standard deviations apart: a few very large values (prices) would
make a standard deviation under which all others may be wrong."""

MOST_ROWS = 512
"""Rows of (rows, columns) up to so many are held to their own spread, too: one that is dead is 1/√rows of a column."""

SAMPLE = 200_000
"""Quartiles are taken of at most so many values of a channel."""


@dataclass(frozen=True)
class Spread:
    """Of each channel, both (channels,): the middle of its values and how far they lie from it."""

    middle: Floats
    width: Floats


def channel_errors(old: Sequence[Values], new: Sequence[Values]) -> Floats:
    """(n,): the largest error of any channel, as a share of that channel's spread over all items and positions of the
    original; of a value far from the middle, of its distance. Infinite where the shape differs or the new one is no
    number. Of rows and columns both are taken for channels, and the worse counts.
    """
    errors = _errors(old, new, by_channel)
    if all(part.ndim == 2 and part.shape[0] <= MOST_ROWS for part in old):
        errors = np.maximum(errors, _errors(old, new, lambda values: values.astype(np.float64)))
    return errors


def _errors(old: Sequence[Values], new: Sequence[Values], split: Callable[[Values], Floats]) -> Floats:
    rows = [split(part) for part in old]
    if len({len(row) for row in rows}) != 1:  # another number of channels from item to item
        rows, split = [row.reshape(1, -1) for row in rows], lambda values: values.astype(np.float64).reshape(1, -1)
    spread = channel_spreads(rows)
    found = np.full(len(rows), np.inf)
    for at, (a, b) in enumerate(zip(rows, new, strict=True)):
        if old[at].shape == b.shape and np.isfinite(b).all():
            scale = np.maximum(spread.width[:, None], np.abs(a - spread.middle[:, None]))
            found[at] = np.sqrt(np.square((split(b) - a) / scale).mean(axis=1)).max(initial=0.0) if a.size else 0.0
    return found


def channel_spreads(rows: Sequence[Floats]) -> Spread:
    """Of `rows`, each (channels, positions). The width is the standard deviation, or less where the quartiles say less
    (and differ); of a constant channel the size of its mean (1 where that is 0).
    """
    count = sum(row.shape[1] for row in rows)
    mean = sum(row.sum(axis=1) for row in rows) / max(count, 1)
    spread = np.sqrt(sum(np.square(row - mean[:, None]).sum(axis=1) for row in rows) / max(count, 1))
    few = np.concatenate([row[:, :: count // SAMPLE + 1] for row in rows], axis=1)
    quarter, middle, three = np.quantile(few, [0.25, 0.5, 0.75], axis=1)
    robust = (three - quarter) / IQR_OF_NORMAL
    size = np.abs(mean)
    width = np.where((robust > CONSTANT * size) & (robust < spread), robust, spread)
    return Spread(middle, np.where(spread > CONSTANT * size, width, np.where(size > 0, size, 1.0)))


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
