"""Out of focus: each point becomes a disk."""

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, clipped, disk_blur, gaussian, scale_of

RADIUS_PX = (3, 4, 6, 8, 10)
SMOOTH_PX = (0.1, 0.5, 0.5, 0.5, 0.5)
LEAST_PX = 0.8
"""On very small pictures a scaled disk would be a single pixel."""


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    scale = scale_of(picture)
    least = LEAST_PX + 0.15 * severity
    return clipped(
        gaussian(disk_blur(picture, max(RADIUS_PX[severity - 1] * scale, least)), SMOOTH_PX[severity - 1] * scale)
    )


STRESS = Stress(
    "defocus_blur", "Out of focus", "Out of focus", "images", "corruption", SOURCE, 13, FIVE, (1, 3, 5), apply
)
