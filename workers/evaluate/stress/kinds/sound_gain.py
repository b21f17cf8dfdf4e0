"""Louder or softer than before; what is too loud is cut off."""

import numpy as np

from workers.evaluate.stress.base import Floats, Generator, Stress

GAIN_DB = (-12.0, 12.0, -24.0)


def apply(samples: Floats, severity: int, rng: Generator) -> Floats:
    louder = samples * np.float32(10 ** (GAIN_DB[severity - 1] / 20))
    return np.asarray(np.clip(louder, -1, 1), np.float32)


STRESS = Stress(
    "sound_gain", "Another loudness", "At another loudness", "audio", "sound", "−12, +12 and −24 dB", 12,
    ("−12 dB", "+12 dB", "−24 dB"), (1, 2, 3), apply,
)  # fmt: skip
