"""A camera with a harder picture: bright parts brighter, dark parts darker, by an S-shaped curve."""

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import clipped

STEEP = (1.3, 1.6, 2.0, 2.6, 3.5)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    middle = float(picture.mean())
    return clipped((picture - middle) * STEEP[severity - 1] + middle)


STRESS = Stress(
    "contrast_drift", "Hard contrast", "At hard contrast", "images", "drift",
    "drift of contrast, own scale: 1.3 to 3.5 times", 31, FIVE, (3,), apply,
)  # fmt: skip
