"""What is measured about one item so that parts of the test set can be judged by themselves: some numbers each.

Pictures are measured as the model gets them (the same size for all, range and mean undone), but for their own size.
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
"""From 5 on, height and width change places (EXIF 2.3, tag Orientation)."""

TOKENS = "tokens"
"""The fact of a text that says how many tokens a language model reads of it."""

LETTERS = 500
"""So many letters of a text tell its script."""


def facts_of(entry: Entry, feeds: Mapping[str, NDArray[Any]], spec: PipelineSpec, kind: Kind) -> dict[str, float | str]:
    """Facts by name: brightness (0..1), sharpness, pixels; characters, script; seconds, loudness (dB). Arrays that go
    in as they are are no pictures or sounds and have none."""
    main = next((item for item in spec.inputs if item.source not in ("state", "constant")), None)
    values = feeds.get(main.name) if main is not None else None
    steps = spec.preprocess
    if kind == "images" and isinstance(steps, ImageSteps) and values is not None and values.ndim == 4 and values.size:
        size = sides_of(entry)
        frame = frame_facts(values[0], steps, size) if entry.boxes is not None or _finds(spec) else {}
        pixels = {"pixels": float(size[0] * size[1])} if size is not None else {}
        return {**picture_facts(values[0], steps), **pixels, **frame}
    if kind == "audio" and isinstance(steps, AudioSteps) and values is not None and values.size:
        return dict(sound_facts(values, steps))
    if entry.text is None:
        return {}
    read = {TOKENS: float(feeds[IDS].shape[1])} if spec.chat is not None else {}
    return {**text_facts(entry.text), **read}


def _finds(spec: PipelineSpec) -> bool:
    return isinstance(spec.postprocess, BoxesSteps | MaskSteps)


def picture_facts(values: NDArray[Any], steps: ImageSteps) -> dict[str, float]:
    """`values` is one model input, (channels, height, width) or (height, width, channels).

    Sharpness is the variance of the Laplacian of the gray picture with values 0..255 (Pech-Pacheco et al., ICPR 2000).
    """
    channels = np.asarray(values, np.float32)
    if steps.layout == "nhwc":
        channels = channels.transpose(2, 0, 1)
    mean, std = (np.asarray(numbers, np.float32).reshape(-1, 1, 1) for numbers in (steps.mean, steps.std))
    gray = (channels * std + mean).mean(axis=0)
    gray = gray * np.float32(255) if steps.range == "0..1" else gray
    return {"brightness": float(gray.mean()) / 255, "sharpness": laplacian_variance(gray)}


def frame_facts(values: NDArray[Any], steps: ImageSteps, size: tuple[int, int] | None) -> dict[str, float]:
    """Where the picture of `size` (width, height) lies in the model's input, in pixels of that: boxes of labels are
    relative to it. The whole input where its size is not known."""
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
    """Variance of the four-neighbor Laplacian of (height, width); 0 for pictures below three pixels."""
    if min(gray.shape) < 3:
        return 0.0
    inner = gray[1:-1, 1:-1]
    laplacian = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner
    return float(laplacian.var(dtype=np.float64))


def sides_of(entry: Entry) -> tuple[int, int] | None:
    """Width and height of the picture as the person sees it; only a file's header is read."""
    from PIL import Image

    from workers.pipeline.images import FORMATS

    sample = entry.open()
    if isinstance(sample, Path):
        try:
            with Image.open(sample, formats=FORMATS) as image:
                width, height = image.size
                turned = image.getexif().get(EXIF_ORIENTATION, 1) >= TURNED
        except Exception:  # Pillow raises whatever its parsers meet; the picture itself was read before
            return None
        return (height, width) if turned else (width, height)
    if isinstance(sample, np.ndarray) and sample.ndim >= 2:
        sides = [side for side in sample.shape if side not in (1, 3, 4)] or list(sample.shape)
        return (int(sides[1]), int(sides[0])) if len(sides) == 2 else None
    return None


def sound_facts(values: NDArray[Any], steps: AudioSteps) -> dict[str, float]:
    """`values` is (steps, samples) of one recording, −1..1."""
    new = np.asarray(values, np.float64).reshape(len(values), -1)[:, -steps.frame_samples :]
    level = float(np.sqrt(np.square(new).mean()))
    seconds = new.size / steps.sample_rate_hz
    return {"seconds": seconds, "loudness": 20 * float(np.log10(max(level, 1e-6)))}


def text_facts(text: str) -> dict[str, float | str]:
    """Its length, and the script that most of its letters are of ("Latin", "Cyrillic", …)."""
    letters = [char for char in text if char.isalpha()][:LETTERS]
    facts: dict[str, float | str] = {"characters": float(len(text))}
    if letters:
        facts["script"] = Counter(map(script_of, letters)).most_common(1)[0][0]
    return facts


def script_of(letter: str) -> str:
    """The first word of the letter's Unicode name, but one word for what Chinese and Japanese are written with."""
    name = unicodedata.name(letter, "OTHER").split()[0].split("-")[0]
    return "Chinese or Japanese" if name in ("CJK", "HIRAGANA", "KATAKANA") else name.capitalize()
