"""Fog: clouds of light that take the contrast away."""

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, plasma

LEVELS = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))
"""How thick it is, and how smooth."""


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    thick, decay = LEVELS[severity - 1]
    brightest = float(picture.max())
    fog = thick * plasma(picture.shape[:2], decay, rng)[:, :, None]
    return clipped((picture + fog) * brightest / (brightest + thick))


STRESS = Stress("fog", "Fog", "In fog", "images", "corruption", SOURCE, 19, FIVE, (), apply)
