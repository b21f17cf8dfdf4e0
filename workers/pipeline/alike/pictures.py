"""Compare pictures by PSNR and SSIM, of whole pictures and of their worst part.

They are computed in numpy, because bundles check themselves with this code. Tests compare the values with torchmetrics
and scikit-image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST_PSNR_DB, LEAST_SSIM = 30.0, 0.95
LEAST_CHANNEL_DB = 28.0
"""Minimum PSNR of each color, because a cast of one color is only a third of the error."""

TILE_PX = 16
LEAST_TILE_DB = 20.0
"""Minimum PSNR of the worst tile, which counts separately at ten times the error.

A blot of 16 by 16 pixels in a picture of 256 by 256 leaves PSNR above 30 and SSIM above 0.99.
"""

EXTREMES, LEAST_EXTREMES = 2e-4, 3
"""Share and least number of the smallest and of the largest values of a picture that do not count for its range. A hot
pixel has three values.
"""

OUTER, LEAST_PICTURES, MOST_PICTURES = 0.05, 10, 50
"""In the median of several pictures, this share of the smallest and of the largest values may be hot places. Stars and
letters, which are elsewhere in each picture, do not show in it.
"""

SMALLEST_SIDE = 11
"""Side of the window of SSIM in pixels (Wang et al., IEEE TIP 13:600, 2004)."""

DEVIATION, K1, K2 = 1.5, 0.01, 0.03
SAME_DB = 120.0
"""Value for identical pictures, whose PSNR is infinite."""


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the peak signal-to-noise ratio in dB, at most 120, of values that span 1."""
    error = float(np.square(np.asarray(a, np.float64) - b).mean())
    return min(-10 * math.log10(error), SAME_DB) if error > 0 else SAME_DB


def ssim(a: Floats, b: Floats) -> float:
    """Return the mean structural similarity of (channels, height, width) with values that span 1."""
    return float(ssim_map(a, b).mean())


def ssim_map(a: Floats, b: Floats) -> Floats:
    """Return SSIM around each pixel that is five from the edge: (channels, height − 10, width − 10) float64.

    It uses Gaussian windows of deviation 1.5 and 11 pixels that lie within the picture (Wang et al. 2004).
    """
    steps = np.arange(SMALLEST_SIDE) - SMALLEST_SIDE // 2
    window = np.exp(-0.5 * np.square(steps / DEVIATION))
    window /= window.sum()

    def mean(values: Floats) -> Floats:
        height, width = (side - SMALLEST_SIDE + 1 for side in values.shape[1:])
        rows = sum(share * values[:, at : at + height] for at, share in enumerate(window))
        return np.asarray(sum(share * rows[:, :, at : at + width] for at, share in enumerate(window)))

    mean_a, mean_b = mean(a), mean(b)
    spread_a, spread_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    shared = mean(a * b) - mean_a * mean_b
    c1, c2 = K1**2, K2**2
    alike = (2 * mean_a * mean_b + c1) * (2 * shared + c2)
    return np.asarray(alike / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)), np.float64)


def worst_tile(errors: Floats, side: int) -> float:
    """Return the largest mean of `errors` (height, width) over half-overlapping tiles of `side`."""
    height, width = errors.shape
    side = max(1, min(side, height, width))
    sums = np.zeros((height + 1, width + 1))
    sums[1:, 1:] = errors.cumsum(axis=0).cumsum(axis=1)
    rows = np.unique([*range(0, height - side + 1, max(1, side // 2)), height - side])
    columns = np.unique([*range(0, width - side + 1, max(1, side // 2)), width - side])
    top, left = np.ix_(rows, columns)
    total = sums[top + side, left + side] - sums[top, left + side] - sums[top + side, left] + sums[top, left]
    return float(total.max() / side**2)


def changed_pictures(old: Sequence[NDArray[Any]], new: Sequence[NDArray[Any]]) -> tuple[Flags, Floats]:
    """Return which of n pictures look different to a person, each measured by its own range, see `ranges_of`.

    Returns:
        (n,) bool, and (n, 4) PSNR in dB, SSIM, and PSNR of the worst tile and of the worst channel.
    """
    rows = np.asarray(
        [
            nearness(channels_first(a), channels_first(b), low, span)
            for a, b, (low, span) in zip(old, new, ranges_of(old).tolist(), strict=True)
        ]
    )
    loud, structure, blot, color = rows.reshape(-1, 4).T
    same = (loud >= LEAST_PSNR_DB) & (structure >= LEAST_SSIM) & (blot >= LEAST_TILE_DB) & (color >= LEAST_CHANNEL_DB)
    return np.asarray(~same, np.bool_), rows.reshape(-1, 4)


def ranges_of(pictures: Sequence[NDArray[Any]]) -> Floats:
    """Return the smallest value and the range up to the largest by which each picture is measured, (n, 2) float64.

    That is the usual range (medians over pictures), widened to the picture's own. One picture with very large values
    would otherwise hide errors in all others, and a few very large values in a picture (hot pixels) all errors in it.
    Places with such values in most pictures (a hot row) do not count. Without a usual range, constant pictures have the
    range of all. The ranges are 0 if all pictures have the same single value.
    """
    rows = [np.asarray(one).reshape(-1) for one in pictures]
    places = _usual_places(rows)
    ends = np.asarray([_ends_of(row[places]) for row in rows], np.float64)
    usual = np.median(ends, axis=0)
    low, high = np.minimum(ends[:, 0], usual[0]), np.maximum(ends[:, 1], usual[1])
    return np.column_stack([low, np.where(high > low, high - low, np.ptp(ends))])


def _usual_places(rows: Sequence[NDArray[Any]]) -> NDArray[np.bool_] | slice:
    """Return which places (k,) of pictures (k,) are not hot, all if sizes differ.

    At hot places the median picture is farther from its other values than those are from each other.
    """
    if len(rows) < LEAST_PICTURES or len({row.size for row in rows}) != 1:
        return slice(None)
    middle = np.median(rows[:: -(-len(rows) // MOST_PICTURES)], axis=0)
    return _below_gap(middle) & _below_gap(-middle)


def _below_gap(values: Floats) -> Flags:
    """Return (k,) which values are below the first gap that is wider than the range of the values before it."""
    ordered = np.sort(values)
    first, low = int(len(ordered) * (1 - OUTER)), ordered[int(len(ordered) * OUTER)]
    spans, gaps = ordered[first:-1] - low, np.diff(ordered[first:])
    wide = np.flatnonzero((gaps > spans) & (spans > 0))
    return np.asarray(values <= (ordered[first + wide[0]] if len(wide) else np.inf), np.bool_)


def _ends_of(values: NDArray[Any]) -> tuple[float, float]:
    """Return the smallest and the largest of `values` (k,) without the extremes, unless all others are equal."""
    cut = min(LEAST_EXTREMES + int(values.size * EXTREMES), (values.size - 1) // 2)
    inner = np.partition(values, (cut, values.size - 1 - cut))
    low, high = float(inner[cut]), float(inner[values.size - 1 - cut])
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def nearness(old: Floats, new: Floats, low: float, span: float) -> tuple[float, float, float, float]:
    """Return PSNR in dB, SSIM, and PSNR of the worst tile and of the worst channel.

    For other sizes and values that are not finite the figures are −inf and 0.
    """
    if old.shape != new.shape or not np.isfinite(new).all():
        return -math.inf, 0.0, -math.inf, -math.inf
    a, b = ((values - low) / span for values in (old, new))
    errors = np.square(a - b)
    worst = worst_tile(errors.mean(axis=0), TILE_PX)
    structure = float(ssim_map(a, b).mean()) if min(a.shape[1:]) >= SMALLEST_SIDE else 1.0
    color = float(errors.mean(axis=(1, 2)).max())
    return psnr(a, b), structure, _decibels(worst), _decibels(color)


def _decibels(error: float) -> float:
    return -10 * math.log10(error) if error > 0 else math.inf


def channels_first(values: NDArray[Any]) -> Floats:
    """Return one picture as (channels, height, width); the shorter of the first and last axis holds the channels."""
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 2:
        return numbers[None]
    return numbers if numbers.shape[0] <= numbers.shape[-1] else np.moveaxis(numbers, -1, 0)
