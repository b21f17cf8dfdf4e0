"""Noise of a sensor in low light: each value gets a normal error."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped

SIGMA = (0.08, 0.12, 0.18, 0.26, 0.38)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    return clipped(picture + np.float32(SIGMA[severity - 1]) * rng.standard_normal(picture.shape, dtype=np.float32))


STRESS = Stress("gaussian_noise", "Noise", "With noise", "images", "corruption", SOURCE, 10, FIVE, (1, 3, 5), apply)
