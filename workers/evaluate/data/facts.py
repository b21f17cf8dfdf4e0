"""Measure facts about single items, so that parts of the test set can be judged separately.

Pictures are measured as the model receives them (the same size for all, range and mean undone). Only their size in
pixels is that of the file.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.base import Entry
from workers.evaluate.data.dataset import Kind
from workers.infer.chat_session import IDS
from workers.pipeline.images import placing_of
from workers.pipeline.spec import AudioSteps, BoxesSteps, ImageSteps, MaskSteps, PipelineSpec

EXIF_ORIENTATION, TURNED = 0x0112, 5
"""From 5 on, height and width are exchanged (EXIF 2.3, tag Orientation)."""

TOKENS = "tokens"
"""Name of the fact with the number of tokens of a text that a language model reads."""

LETTERS = 500
"""The script of a text is determined from this many letters."""


def facts_of(entry: Entry, feeds: Mapping[str, NDArray[Any]], spec: PipelineSpec, kind: Kind) -> dict[str, float | str]:
    """Return facts by name: brightness (0..1), sharpness, pixels; characters, script; seconds, loudness (dB).

    Arrays that go into the model unchanged are no pictures or sounds and have no facts.
    """
    main = next((item for item in spec.inputs if item.source not in ("state", "constant")), None)
    values = feeds.get(main.name) if main is not None else None
    steps = spec.preprocess
    if kind == "images" and isinstance(steps, ImageSteps) and values is not None and values.ndim == 4 and values.size:
        size = sides_of(entry)
        has_places = entry.boxes is not None or isinstance(spec.postprocess, BoxesSteps | MaskSteps)
        frame = frame_facts(values[0], steps, size) if has_places else {}
        pixels = {"pixels": float(size[0] * size[1])} if size is not None else {}
        return {**picture_facts(values[0], steps), **pixels, **frame}
    if kind == "audio" and isinstance(steps, AudioSteps) and values is not None and values.size:
        return dict(sound_facts(values, steps))
    if entry.text is None or kind != "texts":
        return {}
    read = {TOKENS: float(feeds[IDS].shape[1])} if spec.chat is not None else {}
    return {**text_facts(entry.text), **read}


def picture_facts(values: NDArray[Any], steps: ImageSteps) -> dict[str, float]:
    """Return brightness (0..1) and sharpness of a picture.

    Sharpness is the variance of the Laplacian of the gray picture with values 0..255 (Pech-Pacheco et al., ICPR 2000).

    Args:
        values: One model input, (channels, height, width) or (height, width, channels).
        steps: The preprocessing.
    """
    channels = np.asarray(values, np.float32)
    if steps.layout == "nhwc":
        channels = channels.transpose(2, 0, 1)
    mean, std = (np.asarray(numbers, np.float32).reshape(-1, 1, 1) for numbers in (steps.mean, steps.std))
    gray = (channels * std + mean).mean(axis=0)
    gray = gray * np.float32(255) if steps.range == "0..1" else gray
    return {"brightness": float(gray.mean()) / 255, "sharpness": laplacian_variance(gray)}


def frame_facts(values: NDArray[Any], steps: ImageSteps, size: tuple[int, int] | None) -> dict[str, float]:
    """Return where a picture of `size` (width, height) lies in the model's input, in pixels of the input.

    Labelled boxes are relative to this frame. It is the whole input if the size is unknown.
    """
    if size is None:
        height, width = values.shape[:2] if steps.layout == "nhwc" else values.shape[1:]
        return {"input width": float(width), "input height": float(height)}
    placing = placing_of(size, steps)
    return {
        "input left": placing.offset[0],
        "input top": placing.offset[1],
        "input width": placing.scale[0] * size[0],
        "input height": placing.scale[1] * size[1],
    }


def laplacian_variance(gray: NDArray[np.float32]) -> float:
    """Return the variance of the four-neighbor Laplacian of (height, width); 0 for pictures below three pixels."""
    if min(gray.shape) < 3:
        return 0.0
    inner = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner
    return float(laplacian.var(dtype=np.float64))


def sides_of(entry: Entry) -> tuple[int, int] | None:
    """Return width and height of the picture as the person sees it; only the header of a file is read."""
    from PIL import Image

    from workers.pipeline.images import FORMATS

    sample = entry.open()
    if isinstance(sample, Path):
        try:
            with Image.open(sample, formats=FORMATS) as image:
                width, height = image.size
                turned = image.getexif().get(EXIF_ORIENTATION, 1) >= TURNED
        except Exception:  # Pillow raises many kinds of errors; the picture was read successfully before.
            return None
        return (height, width) if turned else (width, height)
    if isinstance(sample, np.ndarray) and sample.ndim >= 2:
        sides = [side for side in sample.shape if side not in (1, 3, 4)] or list(sample.shape)
        return (int(sides[1]), int(sides[0])) if len(sides) == 2 else None
    return None


def sound_facts(values: NDArray[Any], steps: AudioSteps) -> dict[str, float]:
    """Return seconds and loudness in dB of one recording; `values` is (steps, samples) in −1..1."""
    new = np.asarray(values, np.float64).reshape(len(values), -1)[:, -steps.frame_samples :]
    level = float(np.sqrt(np.square(new).mean()))
    seconds = new.size / steps.sample_rate_hz
    return {"seconds": seconds, "loudness": 20 * float(np.log10(max(level, 1e-6)))}


def text_facts(text: str) -> dict[str, float | str]:
    """Return the length of a text, and the script of most of its letters ("Latin", "Cyrillic", …)."""
    letters = [char for char in text if char.isalpha()][:LETTERS]
    facts: dict[str, float | str] = {"characters": float(len(text))}
    if letters:
        facts["script"] = Counter(map(script_of, letters)).most_common(1)[0][0]
    return facts


def script_of(letter: str) -> str:
    """Return the script of a letter: the first word of its Unicode name, and one name for Chinese and Japanese."""
    name = unicodedata.name(letter, "OTHER").split()[0].split("-")[0]
    return "Chinese or Japanese" if name in ("CJK", "HIRAGANA", "KATAKANA") else name.capitalize()
