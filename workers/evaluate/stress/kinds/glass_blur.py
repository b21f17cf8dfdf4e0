"""Through frosted glass: neighboring pixels are swapped at random between two slight blurs."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, gaussian, scale_of

SIGMA_PX = (0.7, 0.9, 1.0, 1.1, 1.5)
REACH_PX = (1, 2, 2, 3, 4)
ROUNDS = (2, 1, 3, 2, 2)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    """ImageNet-C swaps pixel by pixel in a loop; here all of a round pick their neighbor at once, which looks alike."""
    scale = scale_of(picture)
    sigma, reach = SIGMA_PX[severity - 1] * scale, max(1, round(REACH_PX[severity - 1] * scale))
    values = gaussian(picture, sigma)
    height, width = values.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(ROUNDS[severity - 1]):
        down = rng.integers(-reach, reach + 1, (height, width))
        right = rng.integers(-reach, reach + 1, (height, width))
        values = values[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
    return clipped(gaussian(values, sigma))


STRESS = Stress(
    "glass_blur", "Frosted glass", "Through frosted glass", "images", "corruption", SOURCE, 14, FIVE, (), apply
)
