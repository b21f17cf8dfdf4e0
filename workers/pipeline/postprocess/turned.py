"""Compute corners and overlaps of rotated boxes (OBB); angles are radians, clockwise in pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def turned_corners(corners: NDArray[Any], angles: NDArray[Any]) -> Floats:
    """Return the corners (k, 4, 2) of boxes that are rotated around their center.

    Args:
        corners: (k, 4) left, top, right, bottom.
        angles: (k,) angles in radians.
    """
    low, high = np.asarray(corners[:, :2], np.float64), np.asarray(corners[:, 2:4], np.float64)
    middle, half = (low + high) / 2, (high - low) / 2
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1) * half[:, :1]
    across = np.stack([-np.sin(angles), np.cos(angles)], axis=1) * half[:, 1:]
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return np.stack([middle + a * along + b * across for a, b in signs], axis=1)


def frames(corners: NDArray[Any], angles: NDArray[Any]) -> Floats:
    """Return (k, 4): left, top, right, bottom of the upright frame around each rotated box."""
    around = turned_corners(corners, angles)
    return np.concatenate([around.min(axis=1), around.max(axis=1)], axis=1)


def turned_ious(a: Floats, angles_a: Floats, b: Floats, angles_b: Floats) -> Floats:
    """Return (len(a), len(b)): exact intersection over union of boxes (k, 4) rotated by their angles."""
    found = np.zeros((len(a), len(b)))
    mine, theirs = turned_corners(a, angles_a), turned_corners(b, angles_b)
    areas = [_areas(part) for part in (a, b)]
    apart = (mine.max(axis=1)[:, None] < theirs.min(axis=1)[None]) | (
        mine.min(axis=1)[:, None] > theirs.max(axis=1)[None]
    )
    for one, other in np.argwhere(~apart.any(axis=2)):
        shared = _area(_cut(mine[one].tolist(), theirs[other].tolist()))
        union = areas[0][one] + areas[1][other] - shared
        found[one, other] = shared / union if union > 0 else 0.0
    return found


def likely_ious(a: Floats, angles_a: Floats, b: Floats, angles_b: Floats) -> Floats:
    """Return (len(a), len(b)): ProbIoU, the similarity of boxes as normal distributions.

    Detectors of rotated boxes use it to select among a thousand boxes (Llerena et al., arXiv 2106.06072).
    """
    (xa, ya, pa, qa, ra), (xb, yb, pb, qb, rb) = _normals(a, angles_a), _normals(b, angles_b)
    dx, dy = xa[:, None] - xb[None], ya[:, None] - yb[None]
    p, q, r = pa[:, None] + pb[None], qa[:, None] + qb[None], ra[:, None] + rb[None]
    whole = np.maximum(p * q - r * r, TINY)
    own = np.sqrt(np.maximum(pa * qa - ra * ra, TINY)[:, None] * np.maximum(pb * qb - rb * rb, TINY)[None])
    distance = (p * dy**2 + q * dx**2) / (4 * whole) - r * dx * dy / (2 * whole) + np.log(whole / (4 * own)) / 2
    return np.asarray(1 - np.sqrt(np.clip(1 - np.exp(-np.clip(distance, 0, 100)), 0, 1)), np.float64)


TINY = 1e-9


def _normals(corners: Floats, angles: Floats) -> tuple[Floats, ...]:
    """Return center and covariance (x, y, var x, var y, cov) of a uniform distribution over each box."""
    middle = (corners[:, :2] + corners[:, 2:]) / 2
    wide, high = (np.square(corners[:, 2:] - corners[:, :2]) / 12).T
    cos, sin = np.cos(angles), np.sin(angles)
    return (
        middle[:, 0],
        middle[:, 1],
        wide * cos**2 + high * sin**2,
        wide * sin**2 + high * cos**2,
        (wide - high) * cos * sin,
    )


def _areas(corners: Floats) -> Floats:
    sides = np.maximum(corners[:, 2:] - corners[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float64)


def _cut(shape: list[list[float]], by: list[list[float]]) -> list[list[float]]:
    """Return the part of a convex shape within another one (Sutherland and Hodgman 1974)."""
    for (x1, y1), (x2, y2) in zip(by, by[1:] + by[:1], strict=True):
        sides = [(x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) for x, y in shape]
        kept: list[list[float]] = []
        for at, (point, side) in enumerate(zip(shape, sides, strict=True)):
            before, side_before = shape[at - 1], sides[at - 1]
            if (side >= 0) != (side_before >= 0):
                share = side_before / (side_before - side)
                kept.append([a + share * (b - a) for a, b in zip(before, point, strict=True)])
            if side >= 0:
                kept.append(point)
        shape = kept
    return shape


def _area(shape: list[list[float]]) -> float:
    pairs = zip(shape, shape[1:] + shape[:1], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2
