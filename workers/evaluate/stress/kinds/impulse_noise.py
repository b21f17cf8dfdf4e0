"""Single pixels that are wholly black or white ("salt and pepper")."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE

AMOUNT = (0.03, 0.06, 0.09, 0.17, 0.27)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    hit = rng.random(picture.shape) < AMOUNT[severity - 1]
    salt = rng.random(picture.shape) < 0.5
    return np.where(hit, np.where(salt, np.float32(1), np.float32(0)), picture)


STRESS = Stress(
    "impulse_noise", "Broken pixels", "With broken pixels", "images", "corruption", SOURCE, 12, FIVE, (), apply
)
