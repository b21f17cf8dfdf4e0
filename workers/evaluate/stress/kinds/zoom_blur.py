"""The camera rushed at the thing: the mean of enlarged copies."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, zoomed

END = (1.11, 1.16, 1.21, 1.26, 1.31)
STEP = (0.01, 0.01, 0.02, 0.02, 0.03)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    factors = np.arange(1, END[severity - 1], STEP[severity - 1])
    return clipped(np.mean([picture, *(zoomed(picture, float(factor)) for factor in factors)], axis=0))


STRESS = Stress("zoom_blur", "Zoom blur", "With zoom blur", "images", "corruption", SOURCE, 16, FIVE, (), apply)
