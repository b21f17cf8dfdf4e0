"""The camera moved: each point becomes a short line."""

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, scale_of
from workers.evaluate.stress.pixels import motion_blur as blurred

RADIUS_PX = (10, 15, 15, 15, 20)
SIGMA_PX = (3, 5, 8, 12, 15)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    scale = scale_of(picture)
    angle = float(rng.uniform(-45, 45))
    return clipped(blurred(picture, RADIUS_PX[severity - 1] * scale, SIGMA_PX[severity - 1] * scale, angle))


STRESS = Stress(
    "motion_blur", "Moved camera", "With a moved camera", "images", "corruption", SOURCE, 15, FIVE, (), apply
)
