"""Light of another color: warm lamps or a blue evening."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import clipped

SHIFT = (0.08, 0.16, 0.24, 0.34, 0.45)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    """Each channel is multiplied (von Kries 1902): red up and blue down, or the other way round."""
    shift = SHIFT[severity - 1] * (1 if rng.random() < 0.5 else -1)
    if picture.shape[2] == 1:  # a gray file among colored ones: what its lightness would become
        return clipped(picture * (1 + 0.185 * shift))
    return clipped(picture * np.asarray([1 + shift, 1.0, 1 - shift], np.float32))


STRESS = Stress(
    "hue_drift", "Light of another color", "In light of another color", "images", "drift",
    "drift of color, own scale: 8 to 45 %", 32, FIVE, (3,), apply, needs_color=True,
)  # fmt: skip
