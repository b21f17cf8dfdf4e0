"""Pieces of silence, as a bad connection makes them: a sixtieth of the sound each."""

import numpy as np

from workers.evaluate.stress.base import SHARE_WORDS, SHARES, Floats, Generator, Stress

PIECES = 60


def apply(samples: Floats, severity: int, rng: Generator) -> Floats:
    out = samples.copy()
    length = max(1, samples.size // PIECES)
    count = max(1, round(SHARES[severity - 1] * PIECES))
    pieces = np.array_split(np.arange(samples.size), max(1, samples.size // length))
    for piece in rng.choice(len(pieces), min(count, len(pieces)), replace=False):
        out[pieces[int(piece)]] = 0
    return out


STRESS = Stress(
    "sound_dropouts", "Drop-outs", "With drop-outs", "audio", "sound", "5, 10 and 20 % of the time", 13, SHARE_WORDS,
    (1, 2, 3), apply,
)  # fmt: skip
