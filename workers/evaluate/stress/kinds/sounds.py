"""Define kinds of stress for sounds: float32 (n,) in −1..1."""

from functools import partial

import numpy as np

from workers.contracts.translation import mark
from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Floats, Generator, Stress

SILENCE = 1e-4
"""A silent recording gets noise of this size."""
PIECES = 60


def loudness_of(samples: Floats) -> float:
    """Return the root mean square of a sound, at least `SILENCE`."""
    return max(float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if samples.size else 0.0, SILENCE)


def hiss(samples: Floats, snr_db: float, rng: Generator) -> Floats:
    """Add noise with a given signal-to-noise ratio."""
    noise = rng.normal(0, loudness_of(samples) * 10 ** (-snr_db / 20), samples.shape)
    return np.clip(samples + noise, -1, 1).astype(np.float32)


def clipping(samples: Floats, share: float, rng: Generator) -> Floats:
    """Clip the loudest share of the samples at the same height, as in a recording that is too loud."""
    if not samples.size:
        return samples.copy()
    height = float(np.quantile(np.abs(samples), 1 - share))
    return np.clip(samples, -height, height).astype(np.float32)


def gain(samples: Floats, gain_db: float, rng: Generator) -> Floats:
    """Change the loudness; values that become too large are clipped."""
    return np.asarray(np.clip(samples * np.float32(10 ** (gain_db / 20)), -1, 1), np.float32)


def dropouts(samples: Floats, share: float, rng: Generator) -> Floats:
    """Silence pieces of a sixtieth of the sound each, as a bad connection does."""
    out = samples.copy()
    length = max(1, samples.size // PIECES)
    count = max(1, round(share * PIECES))
    pieces = np.array_split(np.arange(samples.size), max(1, samples.size // length))
    for piece in rng.choice(len(pieces), min(count, len(pieces)), replace=False):
        out[pieces[int(piece)]] = 0
    return out


_kind = partial(Stress, takes="audio", group="sound", quick=(1, 2, 3))

KINDS = (
    _kind("sound_noise", mark("Hiss"), "With a hiss", hiss, (20.0, 10.0, 0.0),
          levels=("20 dB", "10 dB", "0 dB"), source=mark("signal-to-noise ratio of 20, 10 and 0 dB")),
    _kind("sound_clipping", "Cut off peaks", "With cut off peaks", clipping, (0.01, 0.05, 0.20),
          levels=("1 %", "5 %", "20 %"), source=mark("1, 5 and 20 % of the samples")),
    _kind("sound_gain", "Another loudness", "At another loudness", gain, (-12.0, 12.0, -24.0),
          levels=("−12 dB", "+12 dB", "−24 dB"), source=mark("−12, +12 and −24 dB")),
    _kind("sound_dropouts", mark("Drop-outs"), "With drop-outs", dropouts, SHARES,
          levels=SHARE_WORDS, source=mark("5, 10 and 20 % of the time")),
)  # fmt: skip
