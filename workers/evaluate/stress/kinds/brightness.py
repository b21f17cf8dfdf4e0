"""Overexposed: the value of each color rises."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, from_hsv, to_hsv

MORE = (0.1, 0.2, 0.3, 0.4, 0.5)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    if picture.shape[2] == 1:
        return clipped(picture + MORE[severity - 1])
    values = to_hsv(picture)
    values[..., 2] = np.clip(values[..., 2] + MORE[severity - 1], 0, 1)
    return clipped(from_hsv(values))


STRESS = Stress(
    "brightness", "Too bright", "In glaring light", "images", "corruption", SOURCE, 20, FIVE, (1, 3, 5), apply
)
