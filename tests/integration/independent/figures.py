"""How alike two models answer, worked out again from the plain arrays: no formula of Fettle's is imported here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
SPREAD_LIMIT = 0.1
NORMAL_QUARTILES = 1.349
"""How many standard deviations lie between the quartiles of a normal distribution."""


@dataclass(frozen=True)
class Figures:
    """Figures of one output over `n` items.

    `centered` is the mean cosine of directions once the mean of the original's is taken away. `beyond` is the share of
    items with a channel whose error (root of the mean square) is more than a tenth of its scale: the channel's spread
    (by the quartiles where they are closer), or for a value farther from the median its distance. `moved` is the share
    of items in which a number is off by more than .1.
    """

    n: int
    centered: float
    beyond: float
    moved: float


def figures(old: Sequence[Values], new: Sequence[Values]) -> Figures:
    """`old[i]` and `new[i]` are the answers to item i, of equal shapes."""
    assert len(old) == len(new) > 0
    assert all(a.shape == b.shape and np.isfinite(b).all() for a, b in zip(old, new, strict=True))
    flat = [(a.astype(np.float64).ravel(), b.astype(np.float64).ravel()) for a, b in zip(old, new, strict=True)]
    return Figures(
        n=len(flat),
        centered=_centered([a for a, _ in flat], [b for _, b in flat]),
        beyond=_beyond(old, new),
        moved=float(np.mean([np.abs(b - a).max() > SPREAD_LIMIT for a, b in flat])),
    )


def _centered(old: Sequence[Values], new: Sequence[Values]) -> float:
    """NaN where predictions have several sizes, so that nothing can be taken away from all."""
    if len({len(row) for row in old}) != 1:
        return float("nan")
    before, after = [row / np.linalg.norm(row) for row in old], [row / np.linalg.norm(row) for row in new]
    center = np.mean(before, axis=0)
    return float(np.mean([_cosine(a - center, b - center) for a, b in zip(before, after, strict=True)]))


def _cosine(a: Values, b: Values) -> float:
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else float(np.array_equal(a, b))


def _beyond(old: Sequence[Values], new: Sequence[Values]) -> float:
    """Return the share of items with an error beyond the limit in some channel."""
    a, b = [_channels(values) for values in old], [_channels(values) for values in new]
    together = np.concatenate(a)
    spread, middle = together.std(axis=0), np.median(together, axis=0)
    quartiles = np.subtract(*np.percentile(together, [75, 25], axis=0)) / NORMAL_QUARTILES
    counts = spread > 1e-12
    held_to = np.where((quartiles > 1e-12) & (quartiles < spread), quartiles, spread)
    far = []
    for x, y in zip(a, b, strict=True):
        scale = np.maximum(held_to, np.abs(x - middle))[:, counts]
        far.append(np.sqrt((((y - x)[:, counts] / scale) ** 2).mean(axis=0)) > SPREAD_LIMIT)
    return float(np.stack(far).any(axis=1).mean())


def _channels(values: Values) -> Values:
    """(positions, channels): a map's channels lie first, those of anything else last."""
    wide = values.astype(np.float64)
    return wide.reshape(len(wide), -1).T if wide.ndim == 3 else np.atleast_2d(wide)


def softmax(values: Values) -> Values:
    shifted = np.exp(values.astype(np.float64) - values.max())
    shares: Values = shifted / shifted.sum()
    return shares
