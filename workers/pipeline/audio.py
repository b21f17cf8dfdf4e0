"""Sound as a model wants it: WAV files read with numpy, mixed to mono, resampled, cut into frames.

Resampling is a polyphase filter: a Kaiser-windowed sinc (β = 5, ten zero crossings to each side of the lower
rate), the design of `scipy.signal.resample_poly`.
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
_CHUNK = 65_536  # output samples that are filtered at a time, to bound memory


def read_wav(path: Path) -> tuple[NDArray[np.float32], int]:
    """Mono samples in −1..1 and their rate in Hz. PCM of 8 to 32 bits and floats. Raises PipelineError."""
    data = path.read_bytes()
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise PipelineError(f"{path.name} is not a WAV file.")
    layout, body, position = b"", None, 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        chunk = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            layout = chunk
        elif name == b"data":
            body = chunk
        position += 8 + size + (size & 1)
    if len(layout) < 16 or body is None:
        raise PipelineError(f"{path.name} is damaged: it has no sound in it.")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", layout)
    if kind == _EXTENSIBLE and len(layout) >= 26:
        kind = struct.unpack_from("<H", layout, 24)[0]
    if not channels or not rate:
        raise PipelineError(f"{path.name} is damaged: it names no channels or no sample rate.")
    samples = _decode(body, kind, bits, path.name)
    samples = samples[: len(samples) // channels * channels].reshape(-1, channels)
    mixed: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    return mixed, rate


def _decode(body: bytes, kind: int, bits: int, name: str) -> NDArray[np.float32]:
    width = bits // 8
    if kind not in (_PCM, _FLOAT) or width not in ((1, 2, 3, 4) if kind == _PCM else (4, 8)):
        raise PipelineError(f"{name} is a WAV file of a kind that is not known here (format {kind}, {bits} bits).")
    body = body[: len(body) // width * width]
    if kind == _FLOAT:
        return np.frombuffer(body, f"<f{width}").astype(np.float32)
    if width == 1:
        return (np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if width == 3:
        raw = np.zeros((len(body) // 3, 4), np.uint8)
        raw[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
        return raw.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    return np.frombuffer(body, f"<i{width}").astype(np.float32) / np.float32(2 ** (bits - 1))


def resample(samples: NDArray[np.float32], rate_hz: int, wanted_hz: int) -> NDArray[np.float32]:
    """`samples` of shape (n,) at `wanted_hz`: ceil(n · wanted / rate) of them."""
    if rate_hz == wanted_hz or not samples.size:
        return samples
    up, down = wanted_hz // gcd(rate_hz, wanted_hz), rate_hz // gcd(rate_hz, wanted_hz)
    half = 10 * max(up, down)
    grid = np.arange(-half, half + 1)
    taps = np.sinc(grid / max(up, down)) * np.kaiser(2 * half + 1, 5.0)
    taps *= up / taps.sum()
    # output n lies at n·down on the grid that is `up` times finer; it sees the inputs whose taps reach there
    reach = half // up + 1
    count = -(-samples.size * up // down)
    padded = np.pad(samples.astype(np.float64), reach)
    taps = np.pad(taps, up)
    out = np.empty(count, np.float32)
    for start in range(0, count, _CHUNK):
        at = np.arange(start, min(start + _CHUNK, count)) * down
        near = at // up
        window = np.arange(-reach + 1, reach + 1)
        offsets = at[:, None] - (near[:, None] + window) * up
        weights = taps[np.clip(offsets + half + up, 0, len(taps) - 1)]
        out[start : start + len(at)] = (padded[near[:, None] + window + reach] * weights).sum(axis=1)
    return out


def mono(values: NDArray[Any]) -> NDArray[np.float32]:
    """An array of samples, (n,) or (n, channels) or (channels, n), as float32 in −1..1; integers are
    scaled."""
    scaled = values.astype(np.float32)
    if values.dtype.kind == "i":
        scaled = scaled / np.float32(-float(np.iinfo(values.dtype).min))
    if scaled.ndim == 2:
        scaled = scaled.mean(axis=int(np.argmin(scaled.shape)), dtype=np.float32)
    if scaled.ndim != 1:
        raise PipelineError(f"An array of shape {values.shape} is not a sound.")
    return scaled


def to_frames(samples: NDArray[np.float32], steps: AudioSteps) -> NDArray[np.float32]:
    """(frames, context + frame) float32: each row begins with the last samples of the row before, zeros at
    first.

    The last frame is filled up with silence; a sound of no samples gives one silent frame.
    """
    frame = steps.frame_samples or max(samples.size, 1)
    count = max(-(-samples.size // frame), 1)
    filled = np.zeros(steps.context_samples + count * frame, np.float32)
    filled[steps.context_samples : steps.context_samples + samples.size] = samples * np.float32(steps.scale)
    width = steps.context_samples + frame
    windows = np.lib.stride_tricks.sliding_window_view(filled, width)[::frame]
    return np.ascontiguousarray(windows[:count])
