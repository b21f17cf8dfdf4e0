"""Compute log-mel spectra of sounds as Whisper's encoder takes them (Radford et al., arXiv 2212.04356), with numpy.

The filters are those of Slaney's Auditory Toolbox (linear below 1,000 Hz, logarithmic above, each of area 1) up to half
of the sample rate, as in librosa and in the reference implementation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import MelSteps, PipelineError

FLOOR = 1e-10
SPAN_DECADES = 8.0
"""Dynamic range in decades below the loudest value; quieter values are raised to its lower end."""

_HZ_A_MEL, _BEND_MEL, _BEND_HZ = 200.0 / 3, 15.0, 1000.0
_STEP = np.log(6.4) / 27.0


def check_length(count: int, steps: MelSteps) -> None:
    """Raise PipelineError if a sound of `count` samples is longer than the model accepts."""
    seconds = count / steps.sample_rate_hz
    if count > steps.seconds * steps.sample_rate_hz:
        raise PipelineError(
            "It is {0:.1f} seconds long, and this model listens to {1} at once. Cut it into pieces of that "
            "length, between words.",
            seconds,
            steps.seconds,
        )


def log_mel(samples: NDArray[Any], steps: MelSteps) -> NDArray[np.float32]:
    """Convert (n, samples) in −1..1 to (n, bins, seconds · rate / hop) float32, about −1..1.

    Raises:
        PipelineError: The sound is longer than `seconds`.
    """
    check_length(samples.shape[1], steps)
    whole = steps.seconds * steps.sample_rate_hz
    filled = np.pad(np.asarray(samples, np.float64), ((0, 0), (0, whole - samples.shape[1])))
    return np.stack([_one(row, steps) for row in filled])


def _one(samples: NDArray[np.float64], steps: MelSteps) -> NDArray[np.float32]:
    half = steps.window // 2
    around = np.pad(samples, half, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(around, steps.window)[:: steps.hop][:-1]
    # a window is periodic for spectra: its last sample is the next one's first
    spectrum = np.fft.rfft(frames * np.hanning(steps.window + 1)[:-1], axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) @ _filters(steps.bins, steps.window, steps.sample_rate_hz).T
    decades = np.log10(np.maximum(power, FLOOR))
    decades = np.maximum(decades, decades.max() - SPAN_DECADES)
    return np.asarray((decades.T + 4.0) / 4.0, np.float32)


@lru_cache(maxsize=4)
def _filters(bins: int, window: int, rate_hz: int) -> NDArray[np.float64]:
    """Return (bins, window / 2 + 1): triangles that overlap by half on the mel scale, divided by their widths in Hz."""
    at_hz = np.linspace(0, rate_hz / 2, window // 2 + 1)
    edges_hz = _to_hz(np.linspace(0.0, _to_mel(rate_hz / 2), bins + 2))
    widths_hz = np.diff(edges_hz)
    slopes = edges_hz[:, None] - at_hz[None]
    rising, falling = -slopes[:-2] / widths_hz[:-1, None], slopes[2:] / widths_hz[1:, None]
    areas = 2.0 / (edges_hz[2:] - edges_hz[:-2])
    found: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * areas[:, None]
    return found


def _to_mel(hz: float) -> float:
    return hz / _HZ_A_MEL if hz < _BEND_HZ else _BEND_MEL + float(np.log(hz / _BEND_HZ)) / float(_STEP)


def _to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    bent = _BEND_HZ * np.exp(_STEP * (np.maximum(mel, _BEND_MEL) - _BEND_MEL))
    return np.where(mel < _BEND_MEL, mel * _HZ_A_MEL, bent)
