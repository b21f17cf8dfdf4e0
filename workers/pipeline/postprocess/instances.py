"""Decode masks of single objects (YOLACT, arXiv 1904.02689; Ultralytics' task segment).

All objects share prototypes; the mask of an object is its own weighted sum of them, cut out by its box.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MASK_SIDE = 23
"""Number of mask cells along each side of a box.

A row of cells is stored as one integer with as many bits, which float32 holds exactly. 23 columns cannot be key points,
which have two or three columns each.
"""

LEAST_MASK_IOU, LEAST_SMALL_IOU = 0.8, 0.5
"""Minimum overlap of masks; smaller for small objects, since masks have a quarter of the picture's resolution."""

_BITS = np.arange(MASK_SIDE, dtype=np.int64)


def packed_masks(
    coefficients: NDArray[Any], prototypes: NDArray[Any], corners: NDArray[Any], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the masks (k, 23) float32 of boxes; a cell is set if its sum is above 0 (a share of 0.5).

    Args:
        coefficients: (k, p) weights of the prototypes.
        prototypes: (p, height, width).
        corners: (k, 4) left, top, right, bottom in pixels of the input.
        size: Height and width of the input.
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
    """Return (k, 2, 23): x and y of the cells' centers."""
    steps = (np.arange(MASK_SIDE) + 0.5) / MASK_SIDE
    low, high = corners[:, :2, None], corners[:, 2:4, None]
    return low + (high - low) * steps


def unpacked_masks(packed: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (k, 23, 23) bool: rows of cells, from the top."""
    return np.asarray((packed.astype(np.int64)[..., None] >> _BITS) & 1, np.bool_)


def mask_iou(mine: NDArray[Any], mine_box: Floats, theirs: NDArray[Any], theirs_box: Floats) -> float:
    """Return the intersection over union of two packed masks (23,) at the first one's cells; 1 for two empty ones."""
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
