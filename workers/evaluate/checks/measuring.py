"""Reduce a decoded item to some thousand bytes that are enough for all checks."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.evaluate.checks.base import Floats
from workers.evaluate.checks.hashing import hashes_of
from workers.evaluate.data.base import NOT_FINITE, Sample, array_digest, digest

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 32
MOST_NUMBERS = 4096
RATE_HZ = 16_000
BANDS = 32
WINDOW = 512
EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Measured:
    """What the checks need of one item.

    Attributes:
        digest: Digest of the decoded content.
        properties: Single numbers under names for people.
        picture: Reduced picture (32, 32, 3) of uint8, and its perceptual hashes.
        numbers: Features (d,) of float32.
        kind_of_file: Unusual properties such as "CMYK" or "animated".
    """

    digest: bytes
    properties: Mapping[str, float]
    picture: tuple[NDArray[np.uint8], NDArray[np.uint64]] | None = None
    numbers: Floats | None = None
    kind_of_file: tuple[str, ...] = ()


def measure(sample: Sample, kind: str) -> Measured:
    """Decode one sample and return what the checks need.

    Raises:
        PipelineError: If the sample cannot be decoded.
        OSError: If its file cannot be read.
        ValueError: If it is empty or not finite.
    """
    if kind == "texts":
        return _text(str(sample))
    if kind == "images":
        return _picture(sample)
    if kind == "audio":
        return _sound(sample)
    return _arrays(sample)


def _text(text: str) -> Measured:
    words = text.split()
    properties = {
        mark("length in characters"): float(len(text)),
        mark("length of words"): sum(map(len, words)) / max(1, len(words)),
        mark("share of capitals"): sum(map(str.isupper, text)) / max(1, len(text)),
        mark("share of digits"): sum(map(str.isdigit, text)) / max(1, len(text)),
    }
    return Measured(digest(text.strip().encode("utf-8", "surrogatepass")), properties)


def _picture(sample: Sample) -> Measured:
    from PIL import Image

    from workers.pipeline.images import open_picture, picture_from_array

    if isinstance(sample, Mapping):
        return _arrays(sample)
    report: tuple[str, ...] = ()
    if isinstance(sample, Path):
        picture, report = open_picture(sample), _kind_of_file(sample)
    else:
        picture = picture_from_array(np.asarray(sample))
    rgb = picture.convert("RGB")
    small = np.asarray(rgb.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.uint8)
    content = digest(f"{rgb.size}".encode(), np.asarray(rgb).tobytes())
    return Measured(content, _picture_properties(small, rgb.size), (small, hashes_of(rgb)), kind_of_file=report)


def _kind_of_file(path: Path) -> tuple[str, ...]:
    """Return the unusual properties of a file; none if its header is invalid, because the picture itself was read."""
    from PIL import Image

    from workers.pipeline.images import FORMATS

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                return tuple(_unusual(image))
    except Exception:  # Pillow raises many kinds of errors.
        return ()


def _unusual(image: "Image") -> Iterator[str]:
    names = {
        "1": mark("black and white"),
        "P": mark("palette"),
        "RGBA": mark("transparent"),
        "LA": "transparent",
        "F": mark("16 or more bits"),
    }
    if image.mode.startswith("I"):
        yield mark("16 or more bits")
    elif image.mode not in ("RGB", "L"):
        yield names.get(image.mode, image.mode)
    if getattr(image, "is_animated", False):
        yield mark("animated")
    if image.getexif().get(EXIF_ORIENTATION, 1) not in (0, 1):
        yield mark("turned by its EXIF mark")


def _picture_properties(small: NDArray[np.uint8], size: tuple[int, int]) -> dict[str, float]:
    values = small.astype(np.float32)
    gray = values.mean(axis=2)
    edges = np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean()
    return {
        mark("brightness"): float(gray.mean()) / 255, mark("contrast"): float(gray.std()) / 255,
        mark("color"): float((values.max(axis=2) - values.min(axis=2)).mean()) / 255,
        mark("detail"): float(edges) / 255,
        mark("width in pixels"): float(size[0]), mark("height in pixels"): float(size[1]),
        mark("red beside blue"): float(values[..., 0].mean() - values[..., 2].mean()) / 255,
    }  # fmt: skip


def _sound(sample: Sample) -> Measured:
    from workers.pipeline.audio import read_wav, resample

    if isinstance(sample, Mapping):
        return _arrays(sample)
    if isinstance(sample, Path):
        samples, rate = read_wav(sample)
    else:
        samples, rate = np.asarray(sample, np.float32).reshape(-1), RATE_HZ
    if not samples.size:
        raise ValueError(_("It holds no sound."))
    loudness = 20 * np.log10(max(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))), 1e-6))
    properties = {
        mark("length in seconds"): samples.size / rate,
        mark("loudness in dB"): float(loudness),
        mark("rate in Hz"): float(rate),
    }
    bands = _bands(resample(samples[: 60 * rate], rate, RATE_HZ))
    return Measured(digest(str(rate).encode(), samples.tobytes()), properties, numbers=bands)


def _bands(samples: Floats) -> Floats:
    """Return mean and deviation of the log energy in 32 bands, (64,).

    The bands are evenly wide on a logarithmic scale from 60 Hz to 8 kHz.
    """
    padded = np.pad(samples, (0, max(0, WINDOW - samples.size)))
    count = 1 + (padded.size - WINDOW) // (WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:: WINDOW // 2][:count]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)))
    edges = np.unique(np.round(np.geomspace(60, RATE_HZ / 2, BANDS + 1) / (RATE_HZ / WINDOW)).astype(int))
    energy = np.log(np.stack([power[:, a:b].sum(axis=1) for a, b in pairwise(edges)], 1) + 1e-8)
    return np.concatenate([energy.mean(axis=0), energy.std(axis=0)]).astype(np.float32)


def _arrays(sample: Sample) -> Measured:
    arrays: list[NDArray[Any]] = (
        [np.asarray(value) for value in sample.values()] if isinstance(sample, Mapping) else [np.asarray(sample)]
    )
    content = array_digest(*arrays)
    if any(array.dtype.kind not in "biuf" for array in arrays) or sum(array.size for array in arrays) > MOST_NUMBERS:
        return Measured(content, {})
    numbers = np.concatenate([array.astype(np.float32).reshape(-1) for array in arrays])
    if not np.isfinite(numbers).all():
        raise ValueError(NOT_FINITE)
    properties = {mark("mean of the numbers"): float(numbers.mean()) if numbers.size else 0.0}
    return Measured(content, properties, numbers=numbers)
