"""Define inputs that are unfamiliar to a model: near ones, which resemble its own but differ, and far ones.

Each is made from a sample, another sample of the same data, and a random generator. Samples are those of
`stress.kinds`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats, Generator, NumberSample, Takes
from workers.evaluate.stress.kinds import pictures
from workers.evaluate.stress.kinds.sounds import loudness_of
from workers.evaluate.stress.pixels import clipped, gaussian

CUTS = 4


@dataclass(frozen=True)
class Stranger:
    """One kind of unfamiliar input. The table `STRANGERS` owns each instance.

    Attributes:
        id: Unique name for one kind of samples.
        title: Name for people.
        takes: Kind of samples.
        near: Whether it resembles the model's own inputs.
        make: `make(sample, other, rng)` returns an input of the sample's shape and dtype.
    """

    id: str
    title: str
    takes: Takes
    near: bool
    make: Callable[[Any, Any, Generator], Any]


def other_camera(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Imitate a cheap camera: soft toward the edges, dark corners, a tint, hard contrast and noise."""
    height, width = sample.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    edge = np.clip((rows**2 + columns**2) / 2, 0, 1)[:, :, None].astype(np.float32)
    soft = sample * (1 - edge) + gaussian(sample, max(0.8, min(height, width) / 80)) * edge
    tinted = pictures.hue_drift(clipped(soft * (1 - 0.6 * edge)), 0.24, rng)
    return pictures.gaussian_noise(pictures.hard_contrast(tinted, 1.6, rng), 0.04, rng)


def other_light(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Imitate night, or a blinding lamp."""
    return pictures.darker(sample, 0.2, rng) if rng.random() < 0.5 else pictures.brightness(sample, 0.5, rng)


def resaved(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Reduce, save with strong compression and enlarge again, as happens to pictures that are forwarded often."""
    return pictures.jpeg(pictures.pixelate(sample, 0.5, rng), 10, rng)


def noise_picture(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Return a picture of random values."""
    return rng.random(sample.shape, dtype=np.float32)


def pattern_picture(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Return stripes, checks or rings of random size."""
    height, width, channels = sample.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    period = rng.uniform(2, max(4, min(height, width) / 2))
    kind = int(rng.integers(3))
    angle = rng.uniform(0, np.pi)
    wave = np.sin(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / period)
    if kind == 1:
        wave = np.sign(np.sin(2 * np.pi * rows / period) * np.sin(2 * np.pi * columns / period))
    elif kind == 2:
        wave = np.sin(2 * np.pi * np.hypot(rows - height / 2, columns - width / 2) / period)
    share = ((wave + 1) / 2)[:, :, None].astype(np.float32)
    first, second = rng.random((2, channels)).astype(np.float32)
    return np.asarray(share * first + (1 - share) * second, np.float32)


def shuffled_picture(sample: Floats, other: Floats, rng: Generator) -> Floats:
    """Cut a real picture into 4 × 4 parts and exchange them."""
    height, width = sample.shape[0] // CUTS, sample.shape[1] // CUTS
    if not height or not width:
        return np.ascontiguousarray(sample[::-1, ::-1])
    out = sample.copy()
    places = [(row * height, column * width) for row in range(CUTS) for column in range(CUTS)]
    for (down, right), at in zip(places, rng.permutation(len(places)).tolist(), strict=True):
        top, left = places[at]
        out[down : down + height, right : right + width] = sample[top : top + height, left : left + width]
    return out


def noise_row(row: NumberSample, other: NumberSample, rng: Generator) -> NDArray[Any]:
    """Draw each feature at random within its range."""
    return row.fitted(row.low + rng.random(row.values.shape) * (row.high - row.low))


def far_row(row: NumberSample, other: NumberSample, rng: Generator) -> NDArray[Any]:
    """Move each feature five times its spread away from its center; integers stay within their range."""
    return row.fitted(row.center + row.spread * 5 * rng.choice([-1.0, 1.0], row.values.shape))


def mixed_row(row: NumberSample, other: NumberSample, rng: Generator) -> NDArray[Any]:
    """Take each feature from one of two examples: every number is real, but not their combination."""
    if row.values.shape != other.values.shape:
        return noise_row(row, other, rng)
    return row.fitted(np.where(rng.random(row.values.shape) < 0.5, row.values, other.values))


def mixed_text(text: str, other: str, rng: Generator) -> str:
    """Interleave two texts, three words at a time."""
    mine, theirs = text.split(), other.split()
    parts = [part[at : at + 3] for at in range(0, max(len(mine), len(theirs)), 3) for part in (mine, theirs)]
    return " ".join(word for part in parts for word in part)


def shuffled_text(text: str, other: str, rng: Generator) -> str:
    """Return the words of a text in random order."""
    words = text.split()
    return " ".join(words[place] for place in rng.permutation(len(words)).tolist())


def letters_text(text: str, other: str, rng: Generator) -> str:
    """Return words of random letters, with the same number and lengths as in the text."""
    return " ".join(
        "".join(chr(97 + int(place)) for place in rng.integers(26, size=len(word))) for word in text.split()
    )


def reversed_sound(samples: Floats, other: Floats, rng: Generator) -> Floats:
    """Reverse a sound."""
    return np.ascontiguousarray(samples[::-1])


def fast_sound(samples: Floats, other: Floats, rng: Generator) -> Floats:
    """Play a sound 1.5 times as fast, and repeat it to its length: different voices, different machines."""
    if not samples.size:
        return samples.copy()
    places = np.arange(0, samples.size, 1.5)
    return np.resize(np.interp(places, np.arange(samples.size), samples), samples.shape).astype(np.float32)


def noise_sound(samples: Floats, other: Floats, rng: Generator) -> Floats:
    """Return noise that is as loud as the sound."""
    return np.asarray(np.clip(rng.normal(0, loudness_of(samples), samples.shape), -1, 1), np.float32)


def tone_sound(samples: Floats, other: Floats, rng: Generator) -> Floats:
    """Return one tone of random pitch."""
    return np.asarray(0.3 * np.sin(np.arange(samples.size) * rng.uniform(0.05, 1.0)), np.float32)


STRANGERS = (
    Stranger("other_camera", "Another camera", "images", True, other_camera),
    Stranger("other_light", "Another light", "images", True, other_light),
    Stranger("resaved", "Saved again and again", "images", True, resaved),
    Stranger("shuffled", "Pictures with their parts shuffled", "images", False, shuffled_picture),
    Stranger("patterns", "Stripes, checks and rings", "images", False, pattern_picture),
    Stranger("noise", "Nothing but noise", "images", False, noise_picture),
    Stranger("mixed", "Two texts mixed", "texts", True, mixed_text),
    Stranger("shuffled", "Words in another order", "texts", True, shuffled_text),
    Stranger("letters", "Letters by chance", "texts", False, letters_text),
    Stranger("fast", "Played too fast", "audio", True, fast_sound),
    Stranger("backwards", "Played backwards", "audio", True, reversed_sound),
    Stranger("tone", "A single tone", "audio", False, tone_sound),
    Stranger("noise", "Nothing but noise", "audio", False, noise_sound),
    Stranger("mixed", "Numbers of two examples mixed", "arrays", True, mixed_row),
    Stranger("noise", "Numbers by chance", "arrays", False, noise_row),
    Stranger("far", "Numbers far from the usual", "arrays", False, far_row),
)
