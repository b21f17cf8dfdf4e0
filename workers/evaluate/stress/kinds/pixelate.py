"""Enlarged from a small picture: blocks instead of details."""

import numpy as np

from workers.evaluate.stress.base import FIVE, Floats, Generator, Stress
from workers.evaluate.stress.pixels import SOURCE, as_8_bits

SHARE = (0.6, 0.5, 0.4, 0.3, 0.25)


def apply(picture: Floats, severity: int, rng: Generator) -> Floats:
    from PIL import Image

    height, width = picture.shape[:2]
    share = SHARE[severity - 1]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    values = as_8_bits(picture)
    image = Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values)
    coarse = image.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(coarse, np.float32).reshape(picture.shape) / np.float32(255)


STRESS = Stress("pixelate", "Coarse pixels", "In coarse pixels", "images", "corruption", SOURCE, 23, FIVE, (), apply)
