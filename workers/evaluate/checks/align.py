"""Decide whether two small pictures show the same scene, by aligning them before comparison.

Shift and scale of each axis, brightness and contrast are fitted by Gauss-Newton steps (Lucas and Kanade 1981; Baker and
Matthews 2004, "Lucas-Kanade 20 Years On"), for all pairs at once. The remaining difference, as a share of the picture's
own variation, separates copies from similar pictures. Perceptual hashes alone take two products on white for one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STEPS = 6
DARK, BRIGHT = 4.0, 250.0
"""Values beyond these may have been clipped by a change of brightness, and do not show it."""
FEW_LEFT = 0.1
FLAT = 4.0
"""Below this standard deviation (of 255) there is nothing to compare."""


@dataclass(frozen=True)
class Fit:
    """Result of fitting n pairs. Variations are those of the copy that the fitted original does not explain, 0..1.

    Attributes:
        left_over: Unexplained share of all variation (n,).
        left_clear: Unexplained share of the part that was not clipped at black or white (n,).
        clear: Share of pixels that were not clipped (n,).
        worst: Largest smoothed difference (n,), in standard deviations.
        sure: False where pictures are too flat for a decision (n,).
    """

    left_over: Floats
    left_clear: Floats
    clear: Floats
    worst: Floats
    sure: NDArray[np.bool_]


def warps(boxes: Floats) -> Floats:
    """Convert boxes (part, left, top) of shape (n, 3) to warps (x scale, y scale, x shift, y shift), in shares."""
    return np.stack([boxes[:, 0], boxes[:, 0], boxes[:, 1], boxes[:, 2]], axis=1).astype(np.float32)


def similarity(copies: Floats, originals: Floats, warp: Floats) -> Floats:
    """Return the correlation (n,) of gray pictures (n, S, S) with parts of others, without alignment.

    It is a cheap first test.
    """
    values = _sample(originals, *_places(warp, copies.shape[1])).reshape(len(copies), -1)
    others = copies.reshape(len(copies), -1)
    a, b = values - values.mean(axis=1, keepdims=True), others - others.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray((a * b).sum(axis=1) / np.maximum(scale, 1e-6), np.float32)


def lay_on(copies: Floats, originals: Floats, warp: Floats, steps: int, weights: Floats | None = None) -> Floats:
    """Return the warps (n, 4) of gray pictures (n, S, S) after some steps.

    Pixels count by `weights` (n, S, S).
    """
    if weights is None:
        weights = np.ones_like(copies)
    gain_bias = np.tile(np.asarray([1.0, 0.0], np.float32), (len(copies), 1))
    for _ in range(steps):
        warp, gain_bias = _step(copies, originals, weights, warp, gain_bias)
    return warp


def fit(copies: NDArray[np.uint8], originals: NDArray[np.uint8], warp: Floats) -> Fit:
    """Compare pictures (n, S, S, 3) with parts of others, beginning at `warp`."""
    copy, original = copies.astype(np.float32), originals.astype(np.float32)
    weights = _unspoiled(copy)
    warp = lay_on(smooth(copy).mean(axis=3), smooth(original).mean(axis=3), warp, STEPS, weights)
    return _left_over(copy, original, warp, weights)


def _unspoiled(copy: Floats) -> Floats:
    """Return weights (n, S, S): 1 where no channel of a pixel or its neighbors was clipped at black or white.

    All weights are 1 if little would be left.
    """
    cut_off = ((copy <= DARK) | (copy >= BRIGHT)).any(axis=3, keepdims=True)
    spoiled: Floats = np.asarray(cut_off, np.float32)
    weights = np.asarray(smooth(spoiled)[..., 0] < 0.05, np.float32)
    few = weights.mean(axis=(1, 2), keepdims=True) < FEW_LEFT
    return np.where(few, np.float32(1.0), weights)


def smooth(pictures: Floats) -> Floats:
    """Return pictures after a 3 × 3 binomial filter over axes 1 and 2.

    The filter removes the frequencies that recompression and resizing change.
    """
    for axis in (1, 2):
        padded = np.concatenate([pictures.take([0], axis), pictures, pictures.take([-1], axis)], axis)
        n = pictures.shape[axis]
        first, middle, last = (padded.take(range(k, k + n), axis) for k in range(3))
        pictures = (first + 2 * middle + last) / np.float32(4)
    return pictures


def _grid(side: int) -> Floats:
    return ((np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)).astype(np.float32)


def _places(warp: Floats, side: int) -> tuple[Floats, Floats]:
    """Return where each pixel of the copy lies in the original, in pixels: x (n, S), y (n, S)."""
    grid = _grid(side)
    x = (warp[:, 2:3] + warp[:, 0:1] * grid) * side - np.float32(0.5)
    y = (warp[:, 3:4] + warp[:, 1:2] * grid) * side - np.float32(0.5)
    return np.clip(x, 0, side - 1), np.clip(y, 0, side - 1)


def _between(places: Floats) -> Floats:
    """Return matrices (n, S, S) whose rows mix the two nearest of S values: bilinear sampling of one axis."""
    columns = np.arange(places.shape[1], dtype=np.float32)
    return np.asarray(np.maximum(0, 1 - np.abs(places[:, :, None] - columns)), np.float32)


def _sample(pictures: Floats, x: Floats, y: Floats) -> Floats:
    """Return bilinear values of pictures (n, S, S) or (n, S, S, 3) at all pairs of y (n, S) and x (n, S)."""
    down, across = _between(y), _between(x).transpose(0, 2, 1)
    if pictures.ndim == 3:
        return np.asarray(down @ pictures @ across, np.float32)
    channels = pictures.transpose(0, 3, 1, 2)
    return np.asarray((down[:, None] @ channels @ across[:, None]).transpose(0, 2, 3, 1), np.float32)


def _step(gray: Floats, base: Floats, weights: Floats, warp: Floats, gain_bias: Floats) -> tuple[Floats, Floats]:
    """Return (x scale, y scale, x shift, y shift) and (gain, bias) after one Gauss-Newton step."""
    count, side = len(gray), gray.shape[1]
    x, y = _places(warp, side)
    values = _sample(base, x, y)
    slope_y, slope_x = np.gradient(values, axis=(1, 2))
    # Slopes of the sampled picture are in its own pixels; one of these is `scale` pixels of the original.
    gain = gain_bias[:, :1, None] * side
    slope_x, slope_y = gain * slope_x / warp[:, 0, None, None], gain * slope_y / warp[:, 1, None, None]
    grid = _grid(side)
    across, down = slope_x * grid[None, None, :], slope_y * grid[None, :, None]
    ones = np.ones_like(values)
    columns = np.stack([across, down, slope_x, slope_y, values, ones], axis=3).reshape(count, -1, 6)
    rest = (gray - gain_bias[:, 0, None, None] * values - gain_bias[:, 1, None, None]).reshape(count, -1, 1)
    weighted = columns * weights.reshape(count, -1, 1)
    normal = weighted.transpose(0, 2, 1) @ columns
    trace = np.einsum("nii->ni", normal)
    normal = normal + (1e-4 * trace + 1e-3)[:, :, None] * np.eye(6, dtype=np.float32)
    change = np.linalg.solve(normal, weighted.transpose(0, 2, 1) @ rest)[:, :, 0]
    limits = np.asarray([0.03, 0.03, 0.03, 0.03], np.float32)
    warp = warp + np.clip(change[:, :4], -limits, limits)
    warp[:, :2], warp[:, 2:] = np.clip(warp[:, :2], 0.87, 1.05), np.clip(warp[:, 2:], -0.04, 0.13)
    return warp.astype(np.float32), (gain_bias + change[:, 4:]).astype(np.float32)


def _left_over(copy: Floats, original: Floats, warp: Floats, weights: Floats) -> Fit:
    """Return the fit with one gain and one bias for all three channels, because a copy in other colors is no copy.

    Values are clipped where the copy is.
    """
    values = _sample(original, *_places(warp, copy.shape[1]))
    share = weights[..., None] / weights.sum(axis=(1, 2))[:, None, None, None] / 3

    def mean(field: Floats) -> Floats:
        return np.asarray((field * share).sum(axis=(1, 2, 3), keepdims=True), np.float32)

    a, b = values - mean(values), copy - mean(copy)
    gain = np.clip(mean(a * b) / np.maximum(mean(a * a), 1e-6), 0.4, 2.5)
    expected = np.clip(mean(copy) + gain * a, 0.0, 255.0)
    rest = smooth(copy) - smooth(expected)
    own = smooth(copy).var(axis=(1, 2, 3), keepdims=True)
    squares, floor = np.square(rest), np.float32(1e-6)
    left = squares.mean(axis=(1, 2, 3)) / np.maximum(own, floor).ravel()
    clear_part = mean(squares).ravel() / np.maximum(mean(np.square(b)), floor).ravel()
    worst = np.abs(smooth(rest) / np.sqrt(np.maximum(own, floor))).max(axis=(1, 2, 3))
    sure = (np.sqrt(own).ravel() > FLAT) & (expected.std(axis=(1, 2, 3)) > FLAT)
    columns = left, clear_part, weights.mean(axis=(1, 2)), worst
    left_over, left_clear, clear, largest = (np.asarray(column, np.float32) for column in columns)
    return Fit(left_over, left_clear, clear, largest, sure)
