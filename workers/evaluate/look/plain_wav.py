"""Write sounds as WAV files of one format, so that every player can play them."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_SECONDS = 600


def write_plain_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    """Write one channel of 16 bits at `rate_hz`; at most ten minutes, with samples clipped to ±1."""
    kept = np.nan_to_num(samples[: MAX_SECONDS * rate_hz])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(kept, -1, 1) * 32767).astype("<i2").tobytes())
