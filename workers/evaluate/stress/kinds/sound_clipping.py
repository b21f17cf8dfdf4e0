"""Recorded too loud: the loudest part of the samples is cut off at the same height."""

import numpy as np

from workers.evaluate.stress.base import Floats, Generator, Stress

CUT = (0.01, 0.05, 0.20)


def apply(samples: Floats, severity: int, rng: Generator) -> Floats:
    if not samples.size:
        return samples.copy()
    height = float(np.quantile(np.abs(samples), 1 - CUT[severity - 1]))
    return np.clip(samples, -height, height).astype(np.float32)


STRESS = Stress(
    "sound_clipping", "Cut off peaks", "With cut off peaks", "audio", "sound", "1, 5 and 20 % of the samples", 11,
    ("1 %", "5 %", "20 %"), (1, 2, 3), apply,
)  # fmt: skip
