"""A hiss beside the sound, so loud that it has a given ratio to it."""

import numpy as np

from workers.evaluate.stress.base import Floats, Generator, Stress

SNR_DB = (20.0, 10.0, 0.0)
SILENCE = 1e-4
"""A recording of silence gets a hiss of this size."""


def apply(samples: Floats, severity: int, rng: Generator) -> Floats:
    size = max(float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if samples.size else 0.0, SILENCE)
    noise = rng.normal(0, size * 10 ** (-SNR_DB[severity - 1] / 20), samples.shape)
    return np.clip(samples + noise, -1, 1).astype(np.float32)


STRESS = Stress(
    "sound_noise", "Hiss", "With a hiss", "audio", "sound", "signal-to-noise ratio of 20, 10 and 0 dB", 10,
    ("20 dB", "10 dB", "0 dB"), (1, 2, 3), apply,
)  # fmt: skip
