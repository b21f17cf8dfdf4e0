"""Generate pictures with the statistics of photos: noise whose power falls with 1/f², and some shapes.

The 1/f² power law of natural pictures: Field 1987, J. Opt. Soc. Am. A 4:2379. Channels are correlated as in photos.
"""

import numpy as np
from numpy.typing import NDArray

SHAPES = 6
COLOR_MIX = np.array([[1.0, 0.25, 0.10], [1.0, 0.0, -0.20], [1.0, -0.25, 0.15]])
"""Maps brightness and two weak opponent colors to RGB."""


def make_picture(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3) of uint8: a noisy scene with a few plain rectangles and discs in front."""
    height, width = size
    layers = np.stack([_noise(rng, height, width) for _ in range(3)], axis=-1)
    picture = layers @ COLOR_MIX.T
    brightness, contrast = rng.uniform(0.3, 0.7), rng.uniform(0.12, 0.28)
    picture = brightness + contrast * picture
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(int(rng.integers(0, SHAPES + 1))):
        mask = _shape(rng, rows, columns)
        picture[mask] = rng.uniform(0, 1, 3) + 0.3 * (picture[mask] - brightness)
    return np.asarray(np.clip(np.round(picture * 255), 0, 255), dtype=np.uint8)


def _noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Return noise (height, width) with mean 0, deviation 1, and an amplitude that falls with 1/f."""
    vertical, horizontal = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(vertical, horizontal)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency
    values = np.fft.irfft2(spectrum, s=(height, width))
    return np.asarray(values / (values.std() + 1e-9), dtype=np.float64)


def _shape(rng: np.random.Generator, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a mask (height, width) of the inside of a rectangle or disc."""
    height, width = rows.shape
    y, x = rng.uniform(0, height), rng.uniform(0, width)
    reach = rng.uniform(0.08, 0.35) * min(height, width)
    if rng.random() < 0.5:
        return np.asarray((rows - y) ** 2 + (columns - x) ** 2 < reach**2)
    return np.asarray((np.abs(rows - y) < reach) & (np.abs(columns - x) < reach * rng.uniform(0.4, 1.6)))
