"""Prepare sound for a model: read WAV files with numpy, mix to mono, resample, cut into frames.

Resampling is a polyphase filter: a Kaiser-windowed sinc (β = 5, ten zero crossings to each side of the lower rate), the
design of `scipy.signal.resample_poly`.
"""

from __future__ import annotations

import struct
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import AudioSteps, PipelineError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_CELLS = 2_000_000  # products of samples and weights per step, to limit memory

MAX_FILE_BYTES = 1 << 30
MAX_SAMPLES = 60_000_000
"""Maximum number of samples after resampling: an hour at 16 kHz."""
MAX_FRAMED = 2 * MAX_SAMPLES
"""Maximum number of samples in frames, each with its context."""
MAX_GAIN = 32
"""Maximum growth by resampling: a rate of 1 Hz would make 16,000 samples of each."""
MAX_PHASES = 100_000
"""Maximum number of phases: the filter has 20 weights per step of the rates' ratio, most for coprime rates."""


def read_wav(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return mono samples (n,) float32 in −1..1 and their rate in Hz; PCM of 8 to 32 bits and floats are supported.

    Raises:
        PipelineError: The file cannot be read.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PipelineError("{0} is larger than 1 GB. Cut it into pieces.", path.name)
    data = memoryview(path.read_bytes())
    if len(data) < 12 or data[:4].tobytes() != b"RIFF" or data[8:12].tobytes() != b"WAVE":
        raise PipelineError("{0} is not a WAV file.", path.name)
    layout, body, position = memoryview(b""), None, 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        chunk = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            layout = chunk
        elif name == b"data":
            body = chunk
        position += 8 + size + (size & 1)
    if len(layout) < 16 or body is None:
        raise PipelineError("{0} is damaged: it has no sound in it.", path.name)
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", layout)
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack_from("<H", layout, 24)[0]
    if not channels or not rate:
        raise PipelineError("{0} is damaged: it names no channels or no sample rate.", path.name)
    samples = _decode(body, kind, bits, path.name)
    samples = samples[: len(samples) // channels * channels].reshape(-1, channels)
    mixed: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    return mixed, rate


def _decode(body: memoryview, kind: int, bits: int, name: str) -> NDArray[np.float32]:
    width = bits // 8
    if kind not in (_PCM, _FLOAT) or width not in ((1, 2, 3, 4) if kind == _PCM else (4, 8)):
        raise PipelineError(
            "{0} is a WAV file of a kind that is not known here (format {1}, {2} bits).", name, kind, bits
        )
    body = body[: len(body) // width * width]
    if kind == _FLOAT:
        return np.frombuffer(body, f"<f{width}").astype(np.float32)
    if width == 1:
        values = np.frombuffer(body, np.uint8).astype(np.float32)
        values -= np.float32(128)
        values /= np.float32(128)
        return values
    if width == 3:
        raw = np.zeros((len(body) // 3, 4), np.uint8)
        raw[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
        return raw.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    return np.frombuffer(body, f"<i{width}").astype(np.float32) / np.float32(2 ** (bits - 1))


def resample(samples: NDArray[np.float32], rate_hz: int, wanted_hz: int) -> NDArray[np.float32]:
    """Return `samples` (n,) float32 at `wanted_hz`: ceil(n · wanted / rate) of them.

    Raises:
        PipelineError: The rates are implausible, or the result would be too long.
    """
    if rate_hz == wanted_hz or not samples.size:
        return samples
    count = count_after(samples.size, rate_hz, wanted_hz)
    up, down = wanted_hz // gcd(rate_hz, wanted_hz), rate_hz // gcd(rate_hz, wanted_hz)
    half = 10 * max(up, down)
    grid = np.arange(-half, half + 1)
    taps = np.sinc(grid / max(up, down)) * np.kaiser(2 * half + 1, 5.0)
    taps *= up / taps.sum()
    # output n lies at n·down on a grid that is `up` times finer and depends on inputs whose taps reach there
    reach = half // up + 1
    padded = np.pad(samples, reach)
    taps = np.pad(taps, up)
    out = np.empty(count, np.float32)
    window = np.arange(-reach + 1, reach + 1)
    chunk = max(_CELLS // window.size, 1)
    for start in range(0, count, chunk):
        at = np.arange(start, min(start + chunk, count)) * down
        near = at // up
        offsets = at[:, None] - (near[:, None] + window) * up
        weights = taps[np.clip(offsets + half + up, 0, len(taps) - 1)]
        out[start : start + len(at)] = (padded[near[:, None] + window + reach] * weights).sum(axis=1)
    return out


def count_after(count: int, rate_hz: int, wanted_hz: int) -> int:
    """Return how many samples `resample` makes of `count`; raise PipelineError if it refuses."""
    if rate_hz < 1 or wanted_hz > MAX_GAIN * rate_hz or max(rate_hz, wanted_hz) // gcd(rate_hz, wanted_hz) > MAX_PHASES:
        raise PipelineError("A sample rate of {0:,} Hz cannot be turned into the model's {1:,} Hz.", rate_hz, wanted_hz)
    after = -(-count * wanted_hz // rate_hz)
    if after > MAX_SAMPLES:
        seconds = after // wanted_hz
        raise PipelineError("The sound is {0:,} seconds long, which is too long. Cut it into pieces.", seconds)
    return after


def mono(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return samples (n,), (n, channels) or (channels, n) as (n,) float32 in −1..1; integers are scaled."""
    scaled = values.astype(np.float32)
    if values.dtype.kind == "i":
        scaled = scaled / np.float32(-float(np.iinfo(values.dtype).min))
    if scaled.ndim == 2:
        scaled = scaled.mean(axis=int(np.argmin(scaled.shape)), dtype=np.float32)
    if scaled.ndim != 1:
        raise PipelineError("An array of shape {0} is not a sound.", values.shape)
    return scaled


def to_frames(samples: NDArray[np.float32], steps: AudioSteps) -> NDArray[np.float32]:
    """Return (frames, context + frame) float32; each row starts with the last samples of the previous one.

    The first row starts with zeros. The last frame is padded with silence; a sound of no samples gives one silent
    frame.
    """
    frame = steps.frame_samples or max(samples.size, 1)
    count = max(-(-samples.size // frame), 1)
    if count * (steps.context_samples + frame) > MAX_FRAMED:
        raise PipelineError("The sound is too long for this model, or its frames are. Cut it into pieces.")
    filled = np.zeros(steps.context_samples + count * frame, np.float32)
    filled[steps.context_samples : steps.context_samples + samples.size] = samples * np.float32(steps.scale)
    width = steps.context_samples + frame
    windows = np.lib.stride_tricks.sliding_window_view(filled, width)[::frame]
    return np.ascontiguousarray(windows[:count])
