"""Flakes that fall while the picture is taken."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, gray_of, motion_blur, scale_of, zoomed

LEVELS = (
    (0.1, 0.3, 3.0, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2.0, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4.0, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
"""Mean and spread of the flakes, size, threshold, radius and spread of the fall in pixels, what shines through."""


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    mean, spread, size, threshold, radius_px, sigma_px, through = LEVELS[severity - 1]
    scale = scale_of(picture)
    flakes = zoomed(rng.normal(mean, spread, picture.shape[:2]).astype(np.float32), max(size * scale, 1.0))
    flakes = np.where(flakes < threshold, np.float32(0), np.clip(flakes, 0, 1))
    flakes = motion_blur(flakes, radius_px * scale, sigma_px * scale, float(rng.uniform(-135, -45)))[:, :, None]
    pale = through * picture + (1 - through) * np.maximum(picture, gray_of(picture) * 1.5 + 0.5)
    return clipped(pale + flakes + flakes[::-1, ::-1])


STRESS = Stress("snow", "Snow", "In snow", "images", "corruption", SOURCE, 17, FIVE, (), apply)
