"""Bent and stretched: a small affine change, then each point moves a little with its neighbors."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, gaussian

ALPHA = (2.0, 2.0, 0.05, 0.07, 0.12)
SIGMA = (0.7, 0.08, 0.01, 0.01, 0.01)
AFFINE = (0.1, 0.2, 0.02, 0.02, 0.02)
"""All three as shares of 244 pixels in ImageNet-C, here of the shorter side."""


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    from scipy.ndimage import map_coordinates

    height, width = picture.shape[:2]
    side = min(height, width)
    alpha, sigma, affine = (part[severity - 1] * side for part in (ALPHA, SIGMA, AFFINE))
    middle, third = np.asarray([height, width]) / 2, side / 3
    corners = np.asarray([middle + third, [middle[0] + third, middle[1] - third], middle - third])
    moved = corners + rng.uniform(-affine, affine, (3, 2))
    matrix = np.linalg.solve(np.hstack([corners, np.ones((3, 1))]), moved)
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.stack([rows.ravel(), columns.ravel(), np.ones(height * width)], axis=1) @ matrix
    offsets = [alpha * gaussian(rng.uniform(-1, 1, (height, width)), sigma).ravel() for _ in range(2)]
    at = [places[:, 0] + offsets[0], places[:, 1] + offsets[1]]
    channels = [map_coordinates(picture[..., c], at, order=1, mode="reflect") for c in range(picture.shape[2])]
    return clipped(np.stack(channels, axis=1).reshape(picture.shape))


STRESS = Stress(
    "elastic", "Bent and stretched", "Bent and stretched", "images", "corruption", SOURCE, 22, FIVE, (), apply
)
