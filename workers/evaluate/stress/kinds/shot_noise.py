"""Noise of too few photons: counts are Poisson-distributed."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped

PHOTONS = (60, 25, 12, 5, 3)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    count = PHOTONS[severity - 1]
    return clipped(rng.poisson(picture * count).astype(np.float32) / count)


STRESS = Stress("shot_noise", "Shot noise", "With shot noise", "images", "corruption", SOURCE, 11, FIVE, (), apply)
