"""Compare one inner value of two models, whose axes may be in another order."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.changes import Histograms

MOST_AXES = 5
ALIKE = 0.3
"""Relative difference below which axes of equal sizes are taken to have the same order."""

CLEARLY = 0.7
"""Share of the difference that is left by the right order of axes, at most."""

MASKED = -1e4
"""Values below it hide places from a Softmax where at least one model has `HIDDEN` or less there."""

HIDDEN = -6e4


Axes = tuple[int, ...]
"""Axes of a value of the second model in the first model's order; () for the same order."""


def turned(value: NDArray[Any], axes: Axes, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a value with its axes in another order, or in another shape for `axes` (); raise ValueError for others."""
    return value.transpose(axes) if axes else value.reshape(shape)


def axes_of(first: NDArray[Any], second: NDArray[Any]) -> Axes | None:
    """Return the order of axes in which both values are most alike; None where they have not as many numbers."""
    if first.size != second.size or first.dtype.kind not in "fiub" or second.dtype.kind not in "fiub":
        return None
    best: Axes = ()
    apart = _distance(first, second.reshape(first.shape))
    if (first.shape == second.shape and apart < ALIKE) or not first.ndim == second.ndim <= MOST_AXES:
        return best
    for axes in permutations(range(first.ndim)):
        if tuple(second.shape[axis] for axis in axes) == first.shape:
            distance = _distance(first, second.transpose(axes))
            if distance < CLEARLY * apart:
                best, apart = axes, distance
    return best


def _distance(first: NDArray[Any], second: NDArray[Any]) -> float:
    sums = Difference()
    sums.add(first, second)
    return sums.error or 0.0


def _floats(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values, np.float32 if values.dtype.itemsize < 8 else np.float64)


def _sums(first: NDArray[Any], second: NDArray[Any]) -> tuple[float, float]:
    """Return the sums of the squares of `first` and of the differences; not finite where any number is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        apart = (second - first).reshape(-1)
        flat = first.reshape(-1)
        return float(np.dot(flat, flat)), float(np.dot(apart, apart))


@dataclass
class Difference:
    """Sums over examples: squares of the first model's values and of the differences, over finite numbers."""

    squares: float = 0.0
    apart: float = 0.0
    count: int = 0
    bad_a: bool = False
    bad_b: bool = False

    def add(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        """Add two values of one shape. Places that both hide from a Softmax count as equal."""
        first, second = _floats(first), _floats(second)
        sums = _sums(first, second)
        if not np.isfinite(sums).all() or first.min(initial=0) < HIDDEN:
            fine_a, fine_b = np.isfinite(first), np.isfinite(second)
            low = np.fmin(first, second)
            hidden = (np.fmax(first, second) < MASKED) & (low < HIDDEN) & ~np.isnan(first) & ~np.isnan(second)
            self.bad_a |= bool((~fine_a & ~hidden).any())
            self.bad_b |= bool((~fine_b & ~hidden).any())
            kept = fine_a & fine_b & ~hidden
            first, second = first[kept], second[kept]
            sums = _sums(first.astype(np.float64), second.astype(np.float64))
        self.squares += sums[0]
        self.apart += sums[1]
        self.count += first.size

    @property
    def error(self) -> float | None:
        """Return the relative error; None where no finite numbers were compared."""
        if self.count == 0:
            return None
        if self.squares == 0:
            return 0.0 if self.apart == 0 else 1.0
        return float((self.apart / self.squares) ** 0.5)

    @property
    def nan(self) -> Literal["", "a", "b", "both"]:
        """Return which models gave values that are not finite."""
        if self.bad_a and self.bad_b:
            return "both"
        return "a" if self.bad_a else "b" if self.bad_b else ""


BINS, MAX_COUNTED = 12, 1 << 16
"""Parts of a range of values, and about how many values are counted."""


def histograms_of(first: NDArray[Any], second: NDArray[Any]) -> Histograms | None:
    """Count two values of one shape, without those that are not finite or hide places from a Softmax."""
    flat = (_floats(one).reshape(-1)[:: max(1, one.size // MAX_COUNTED)] for one in (first, second))
    a, b = (one[np.isfinite(one) & (one > MASKED)].astype(np.float64) for one in flat)
    if not a.size or not b.size:
        return None
    low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    counts = [tuple(np.histogram(one, BINS, (low, high))[0].tolist()) for one in (a, b)]
    return Histograms(low=low, high=high, a=counts[0], b=counts[1])


FAINT = 0.1
"""Channels with a smaller share of the mean square say nothing."""


@dataclass
class Gains:
    """Sums for each channel of a value: how much of the first model's value is in the second's.

    Rounding adds noise that has nothing to do with the value, so that the gain of each channel stays near 1 however
    large the noise is. A wrong scale or a missing channel changes it.
    """

    sums: NDArray[np.float64] | None = None
    """Squares of the first, products of both and squares of the second, shape (3, channels)."""
    count: int = 0

    def add(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        """Add two values of one shape, with channels second in pictures and last in others."""
        axis = 1 if first.ndim > 3 else -1
        if first.ndim < 2 or (self.sums is not None and self.sums.shape[1] != first.shape[axis]):
            return
        a, b = (np.moveaxis(_floats(one), axis, 0).reshape(first.shape[axis], -1) for one in (first, second))
        sums = np.stack([np.einsum("cn,cn->c", *pair, dtype=np.float64) for pair in ((a, a), (a, b), (b, b))])
        if np.isfinite(sums).all():
            self.sums = sums if self.sums is None else self.sums + sums
            self.count += a.shape[1]

    def apart(self) -> tuple[float, float, float, float]:
        """Return the relative error by gains other than 1 and how much of it noise explains.

        Both follow again for the channel alone whose gain is farthest from 1.
        """
        if self.sums is None or not (kept := self.sums[0] > FAINT * self.sums[0].mean()).any():
            return 0.0, 0.0, 0.0, 0.0
        squares, products, others = self.sums[:, kept]
        gains = np.abs(products / squares - 1)
        noise = np.sqrt(np.maximum(others / squares - (products / squares) ** 2, 0) / self.count)
        share = squares / self.sums[0].sum()
        worst = int(np.argmax(gains))
        both = [float(np.sqrt((one**2 * share).sum())) for one in (gains, noise)]
        return both[0], both[1], float(gains[worst]), float(noise[worst])
