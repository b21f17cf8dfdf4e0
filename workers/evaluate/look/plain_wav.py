"""Sounds written anew: whoever plays one meets a file of one known kind, whatever the person's file was."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_SECONDS = 600


def write_plain_wav(path: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    """One channel of 16 bits; at most ten minutes, louder than ±1 is cut."""
    kept = np.nan_to_num(samples[: MAX_SECONDS * rate_hz])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(kept, -1, 1) * 32767).astype("<i2").tobytes())
