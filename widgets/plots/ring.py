"""Store the numbers of live graphs in fixed memory, reduced to what pixels can show.

Buckets are powers of two and aligned to an absolute origin, so that a growing graph does not flicker.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FIRST_STEP_S = 2.0**-6


@dataclass(frozen=True)
class Buckets:
    """Position, lowest, highest and mean value of each bucket, all of shape (n,), float64."""

    x: Floats
    low: Floats
    high: Floats
    mean: Floats

    def __len__(self) -> int:
        """Return the number of buckets."""
        return len(self.x)


EMPTY = Buckets(*(np.empty(0) for _ in range(4)))


def bucket_size(points: int, width_px: float) -> int:
    """Return the smallest power of two for which `points` fill buckets of at least two pixels."""
    per_bucket = points * 2 / max(1.0, width_px)
    return 1 if per_bucket <= 1 else 1 << int(np.ceil(np.log2(per_bucket)))


def decimate(x: Floats, y: Floats, size: int, first_index: int = 0) -> Buckets:
    """Reduce to one bucket per `size` points; its borders are multiples of `size`, counted from index 0.

    `x` and `y` have shape (n,). `first_index` is the absolute index of `x[0]`. The first and last bucket may hold fewer
    points.
    """
    if len(x) == 0:
        return EMPTY
    starts = _starts((first_index + np.arange(len(x))) // size)
    counts = np.diff(np.append(starts, len(x)))
    return Buckets(
        np.add.reduceat(x, starts) / counts,
        np.minimum.reduceat(y, starts),
        np.maximum.reduceat(y, starts),
        np.add.reduceat(y, starts) / counts,
    )


def _starts(keys: Ints) -> Ints:
    """Return the positions at which a run of equal, ascending keys begins."""
    return np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))


class Ring:
    """The last `capacity` points of one series, owned by its graph; older ones are overwritten.

    Each point is stored twice, `capacity` apart, so that any range is contiguous and needs no copy.
    """

    def __init__(self, capacity: int) -> None:
        """Create an empty ring for `capacity` points."""
        self._x, self._y = np.empty(2 * capacity), np.empty(2 * capacity)
        self._capacity = capacity
        self.total = 0

    def __len__(self) -> int:
        """Return the number of stored points."""
        return min(self.total, self._capacity)

    def append(self, x: Floats, y: Floats) -> None:
        """Add points, `x` ascending; if more points arrive than fit, the last ones are stored."""
        n = len(x)
        kept = min(n, self._capacity)
        at = (self.total + n - kept + np.arange(kept)) % self._capacity
        for place in (at, at + self._capacity):
            self._x[place], self._y[place] = x[n - kept :], y[n - kept :]
        self.total += n

    def since(self, x_from: float) -> tuple[Floats, Floats, int]:
        """Return the points with `x` ≥ `x_from`, oldest first, and the absolute index of the first of them.

        The arrays are views that are valid until more points are added; copy them to keep them.
        """
        n = len(self)
        first = self.total - n
        start = first % self._capacity
        x = self._x[start : start + n]
        skip = int(np.searchsorted(x, x_from))
        return x[skip:], self._y[start + skip : start + n], first + skip

    def last(self) -> float | None:
        """Return the newest value; None if there is none."""
        return float(self._y[(self.total - 1) % self._capacity]) if self.total else None


class History:
    """All points of one series since time 0, in at most `capacity` time buckets that are merged when full.

    The latency graph owns it.
    """

    def __init__(self, capacity: int = 4096) -> None:
        """Create an empty history."""
        self._keys: Ints = np.zeros(capacity, np.int64)
        self._counts: Ints = np.zeros(capacity, np.int64)
        self._low, self._high, self._sum, self._times = (np.zeros(capacity) for _ in range(4))
        self._n = 0
        self.step_s = _FIRST_STEP_S
        self.total = 0
        self.first_s = self.last_s = 0.0

    def __len__(self) -> int:
        """Return the number of buckets."""
        return self._n

    def append(self, times_s: Floats, values: Floats) -> None:
        """Add points of shape (n,); times ascend, within a batch and from batch to batch."""
        n = len(times_s)
        if n == 0:
            return
        if self.total == 0:
            self.first_s = float(times_s[0])
        self.total += n
        self.last_s = float(times_s[-1])
        keys = np.floor(times_s / self.step_s).astype(np.int64)
        self._append_rows([keys, np.ones(n, np.int64), values, values, values, times_s])

    def _columns(self) -> list[NDArray[Any]]:
        return [self._keys, self._counts, self._low, self._high, self._sum, self._times]

    def _append_rows(self, rows: list[NDArray[Any]]) -> None:
        start = max(0, self._n - 1)  # only the newest bucket can still grow
        stored = [column[start : self._n] for column in self._columns()]
        tail = _merge([np.concatenate(pair) for pair in zip(stored, rows, strict=True)])
        if start + len(tail[0]) > len(self._keys):
            head = [column[:start] for column in self._columns()]
            start, tail = 0, [np.concatenate(pair) for pair in zip(head, tail, strict=True)]
            while len(tail[0]) > len(self._keys):
                self.step_s *= 2
                tail = _merge([tail[0] // 2, *tail[1:]])
        self._n = start + len(tail[0])
        for column, values in zip(self._columns(), tail, strict=True):
            column[start : self._n] = values

    def summary(self) -> tuple[float, float, float]:
        """Return the lowest, the mean and the highest of all values; there must be one."""
        n = self._n
        return float(self._low[:n].min()), float(self._sum[:n].sum() / self.total), float(self._high[:n].max())

    def view(self, least_step_s: float) -> Buckets:
        """Return all points in buckets at least `least_step_s` wide, placed at the mean time of their points."""
        if self._n == 0:
            return EMPTY
        n = self._n
        keys = self._keys[:n]
        if least_step_s > self.step_s:
            keys = keys // (1 << int(np.ceil(np.log2(least_step_s / self.step_s))))
        starts = _starts(keys)
        counts = np.add.reduceat(self._counts[:n], starts)
        return Buckets(
            np.add.reduceat(self._times[:n], starts) / counts,
            np.minimum.reduceat(self._low[:n], starts),
            np.maximum.reduceat(self._high[:n], starts),
            np.add.reduceat(self._sum[:n], starts) / counts,
        )


def _merge(columns: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Merge rows of equal key; the columns are keys, counts, low, high, sum of values, sum of times."""
    keys, counts, low, high, total, times = columns
    starts = _starts(keys)
    return [
        keys[starts],
        np.add.reduceat(counts, starts),
        np.minimum.reduceat(low, starts),
        np.maximum.reduceat(high, starts),
        np.add.reduceat(total, starts),
        np.add.reduceat(times, starts),
    ]


def joined(buckets: Buckets, gap_s: float) -> NDArray[np.uint8]:
    """Return pyqtgraph's `connect` array: 1 joins a bucket to the next, 0 marks a gap of more than `gap_s`."""
    join = np.ones(len(buckets), np.uint8)
    if len(buckets) > 1:
        join[:-1] = np.diff(buckets.x) <= gap_s
    return join


def bars(buckets: Buckets) -> tuple[Floats, Floats]:
    """Return vertical lines from low to high for pyqtgraph's `connect='pairs'`, two arrays of shape (2n,)."""
    return np.repeat(buckets.x, 2), np.column_stack((buckets.low, buckets.high)).ravel()
