"""It gets dark: the sensor sees a part of the light, and its noise stays."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import clipped

LIGHT = (0.7, 0.5, 0.35, 0.22, 0.12)
NOISE = 0.01


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    noise = np.float32(NOISE) * rng.standard_normal(picture.shape, dtype=np.float32)
    return clipped(picture * LIGHT[severity - 1] + noise)


STRESS = Stress(
    "darker", "Dark", "In the dark", "images", "drift", "drift of light, own scale: 70 to 12 %", 30, FIVE, (3, 5), apply
)
