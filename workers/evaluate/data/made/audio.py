"""Generate sounds that resemble speech: silence, hiss, and harmonic bursts with changing pitch and loudness."""

import numpy as np
from numpy.typing import NDArray

HARMONICS = 12


def make_sound(rng: np.random.Generator, samples: int, rate_hz: int) -> NDArray[np.float32]:
    """Return generated samples, (samples,) float32 in −1..1.

    They are segments of silence, noise or voice of 0.15 to 0.6 s, over faint hiss.
    """
    sound = rng.normal(0, rng.uniform(0.001, 0.01), samples)
    start = 0
    while start < samples:
        stop = min(samples, start + int(rng.uniform(0.15, 0.6) * rate_hz))
        kind = rng.choice(["silence", "noise", "voice", "voice"])
        if kind == "noise":
            sound[start:stop] += rng.normal(0, rng.uniform(0.02, 0.15), stop - start)
        elif kind == "voice":
            sound[start:stop] += _voice(rng, stop - start, rate_hz)
        start = stop
    return np.clip(sound, -1, 1).astype(np.float32)


def _voice(rng: np.random.Generator, samples: int, rate_hz: int) -> NDArray[np.float64]:
    """Return harmonics of a gliding pitch, louder around a formant, with fade-in and fade-out."""
    pitch = np.linspace(rng.uniform(90, 250), rng.uniform(90, 250), samples)
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    formant = rng.uniform(400, 2000)
    sound = np.zeros(samples)
    for harmonic in range(1, HARMONICS + 1):
        weight = np.exp(-(((pitch.mean() * harmonic - formant) / 600) ** 2)) + 0.3 / harmonic
        sound += weight * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    envelope = np.sin(np.pi * np.linspace(0, 1, samples)) ** 0.5
    return np.asarray(rng.uniform(0.1, 0.5) * envelope * sound / (np.abs(sound).max() + 1e-9))
