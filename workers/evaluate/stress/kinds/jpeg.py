"""Saved with strong compression: blocks and blurred colors."""

import io

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, as_8_bits

QUALITY = (25, 18, 15, 10, 7)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    from PIL import Image

    values = as_8_bits(picture)
    image = Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY[severity - 1])
    with Image.open(file) as opened:
        return np.asarray(opened, np.float32).reshape(picture.shape) / np.float32(255)


STRESS = Stress(
    "jpeg", "Strong compression", "Strongly compressed", "images", "corruption", SOURCE, 24, FIVE, (1, 3, 5), apply
)
