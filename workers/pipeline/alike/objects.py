"""Number the connected objects of masks with numpy alone, since bundles contain no scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def numbered(masks: NDArray[Any]) -> tuple[NDArray[np.int32], int]:
    """Number the objects of `masks` (n, height, width) bool; pixels at corners are connected, pictures are not.

    Runs of pixels in a row are joined with the runs that they touch in the row below (Rosenfeld and Pfaltz 1966).

    Returns:
        The numbers, int32 of the same shape and 0 outside of objects, and the number of objects.
    """
    n, height, width = masks.shape
    if not masks.size:
        return np.zeros(masks.shape, np.int32), 0
    # a row of background between two pictures and a column of it at the end of each row keep them apart
    padded = np.zeros((n, height + 1, width + 1), np.int8)
    padded[:, :height, :width] = masks
    steps = np.diff(padded.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    roots = _roots(starts, ends, width + 1)
    _, numbers = np.unique(roots, return_inverse=True)
    steps = np.zeros(padded.size, np.int64)
    steps[starts], steps[ends] = numbers + 1, -(numbers + 1)
    found = steps.cumsum().reshape(padded.shape)[:, :height, :width]
    return found.astype(np.int32), int(numbers.max(initial=-1)) + 1


def _roots(starts: Numbers, ends: Numbers, stride: int) -> Numbers:
    """Return (runs,): the first run of each run's object; a run covers pixels `starts` to `ends` - 1."""
    # runs in the row below that begin before one pixel past the end, and end after one pixel before the start
    first = np.searchsorted(ends, starts + stride, side="left")
    count = np.maximum(np.searchsorted(starts, ends + stride, side="right") - first, 0)
    one = np.repeat(np.arange(len(starts)), count)
    other = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    roots = np.arange(len(starts))
    while len(one):
        low, high = np.minimum(roots[one], roots[other]), np.maximum(roots[one], roots[other])
        apart = low != high
        one, other = one[apart], other[apart]
        np.minimum.at(roots, high[apart], low[apart])
        while (further := roots[roots]).tobytes() != roots.tobytes():
            roots = further
    return roots
