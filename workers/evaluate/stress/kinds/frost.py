"""Ice on the lens. ImageNet-C lays photographs of frost over the picture; here the crystals are drawn from noise."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, plasma

MIX = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))
"""How much of the picture stays, how much frost comes."""


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    keep, ice = MIX[severity - 1]
    ridges = 1 - np.abs(2 * plasma(picture.shape[:2], 1.5, rng) - 1)
    crystals = (np.clip(ridges, 0, 1) ** 2 * plasma(picture.shape[:2], 2.0, rng))[:, :, None]
    tint = np.asarray([0.9, 0.95, 1.0], np.float32)[: picture.shape[2]]
    return clipped(keep * picture + ice * crystals * tint)


STRESS = Stress("frost", "Frost", "With frost on the lens", "images", "corruption", SOURCE, 18, FIVE, (), apply)
