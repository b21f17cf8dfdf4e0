"""Flat light: all values move toward the mean of their channel."""

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped

KEEP = (0.4, 0.3, 0.2, 0.1, 0.05)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    means = picture.mean(axis=(0, 1), keepdims=True)
    return clipped((picture - means) * KEEP[severity - 1] + means)


STRESS = Stress(
    "contrast", "Low contrast", "At low contrast", "images", "corruption", SOURCE, 21, FIVE, (1, 3, 5), apply
)
