"""Masks of single things (YOLACT, arXiv 1904.02689; Ultralytics' task segment): prototypes that all share, and each
thing's own sum of them, cut out by its box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MASK_SIDE = 23
"""Cells of a mask along each side of its box. A row of cells is one whole number of as many bits, which float32 holds
exactly; and 23 columns are no key points, of which each has two or three."""

LEAST_MASK_IOU, LEAST_SMALL_IOU = 0.8, 0.5
"""Masks are told at a quarter of the picture's size: of small things a row of cells is much."""

_BITS = np.arange(MASK_SIDE, dtype=np.int64)


def packed_masks(
    coefficients: NDArray[Any], prototypes: NDArray[Any], corners: NDArray[Any], size: tuple[int, int]
) -> NDArray[np.float32]:
    """(k, 23): the masks of boxes left, top, right, bottom (k, 4) in pixels of an input of `size` (height, width), from
    `coefficients` (k, p) and `prototypes` (p, height, width). A cell is in where the sum is above 0 (a share of .5).
    """
    if not len(coefficients):
        return np.empty((0, MASK_SIDE), np.float32)
    planes, high, wide = prototypes.shape
    sums = coefficients.astype(np.float32) @ prototypes.reshape(planes, -1).astype(np.float32)
    sums = sums.reshape(-1, high, wide)
    places = _places(corners.astype(np.float64))
    x = np.clip(places[:, 0] * wide / size[1] - 0.5, 0, wide - 1)
    y = np.clip(places[:, 1] * high / size[0] - 0.5, 0, high - 1)
    left, top = np.minimum(x.astype(np.int64), max(wide - 2, 0)), np.minimum(y.astype(np.int64), max(high - 2, 0))
    right, below = np.minimum(left + 1, wide - 1), np.minimum(top + 1, high - 1)
    one = np.arange(len(sums))[:, None, None]
    across, down = (x - left)[:, None, :], (y - top)[:, :, None]
    corner = [sums[one, row[:, :, None], column[:, None, :]] for row in (top, below) for column in (left, right)]
    upper, lower = (a + (b - a) * across for a, b in (corner[:2], corner[2:]))
    inside = upper + (lower - upper) * down > 0
    return np.asarray((inside << _BITS).sum(axis=2), np.float32)


def _places(corners: Floats) -> Floats:
    """(k, 2, 23): x and y of the middles of the cells."""
    steps = (np.arange(MASK_SIDE) + 0.5) / MASK_SIDE
    low, high = corners[:, :2, None], corners[:, 2:4, None]
    return low + (high - low) * steps


def unpacked_masks(packed: NDArray[Any]) -> NDArray[np.bool_]:
    """(k, 23, 23): rows of cells, from the top."""
    return np.asarray((packed.astype(np.int64)[..., None] >> _BITS) & 1, np.bool_)


def mask_iou(mine: NDArray[Any], mine_box: Floats, theirs: NDArray[Any], theirs_box: Floats) -> float:
    """Intersection over union of two packed masks (23,) at the cells of the first; two empty ones are the same."""
    a, b = unpacked_masks(mine[None])[0], unpacked_masks(theirs[None])[0]
    at = (_places(mine_box[None])[0] - theirs_box[:2, None]) / np.maximum(theirs_box[2:] - theirs_box[:2], 1e-9)[
        :, None
    ]
    column, row = np.floor(at * MASK_SIDE).astype(np.int64)
    whole = [(part >= 0) & (part < MASK_SIDE) for part in (row, column)]
    there = b[np.clip(row, 0, MASK_SIDE - 1)][:, np.clip(column, 0, MASK_SIDE - 1)]
    there = there & whole[0][:, None] & whole[1][None]
    either = int((a | there).sum())
    return float((a & there).sum() / either) if either else 1.0
