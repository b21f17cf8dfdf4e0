"""Pictures as a model wants them. Pillow decodes and resizes; the conventions are those of torchvision.

resize: an int is the shorter side, the other becomes ``int(size * long / short)``; crop: centered, offsets
rounded to even halves, black where the picture is smaller (torchvision.transforms.functional.resize,
center_crop, to_tensor).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arrays import eight_bits
from .spec import ImageSteps, PipelineError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 178_956_970
"""Pillow's own limit of a decompression bomb: larger pictures are refused."""

LETTERBOX_GRAY = 114
"""What Ultralytics' detectors are trained to see around a picture (ultralytics.data.augment.LetterBox)."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "ICO", "PCX", "TGA", "JPEG2000", "AVIF")
"""Only formats that Pillow decodes itself: no PostScript, no plug-ins that start programs."""


def open_picture(path: Path) -> Picture:
    """Decode the first frame, upright by its EXIF mark, as mode RGB or L. Raises PipelineError in plain
    words."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PipelineError(f"{path.name} has {image.width}×{image.height} pixels, which is too large.")
                image.load()
                upright = ImageOps.exif_transpose(image)
                return to_plain(upright)
    except UnidentifiedImageError as error:
        raise PipelineError(f"{path.name} is not a picture that can be read.") from error
    except Image.DecompressionBombError as error:
        raise PipelineError(f"{path.name} has too many pixels.") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        if isinstance(error, PipelineError | FileNotFoundError | PermissionError):
            raise
        raise PipelineError(f"{path.name} is damaged and cannot be decoded ({error}).") from error


def to_plain(image: Picture) -> Picture:
    """Mode RGB or L, 8 bits: alpha is laid on white, 16 bits are scaled, palettes and CMYK are resolved."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_8_bits(np.asarray(image)))
    if image.mode == "1":
        return image.convert("L")
    if "A" in image.mode.upper() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """16-bit values by 257; floats in 0..1 by 255; what is in 0..255 stays."""
    if values.dtype.kind == "f":
        scale = 255.0 if values.size and float(values.max()) <= 1.0 else 1.0
        return np.clip(np.round(values * scale), 0, 255).astype(np.uint8)
    if values.dtype.itemsize > 2 and values.size and int(values.min()) >= 0 and int(values.max()) <= 255:
        return values.astype(np.uint8)
    return np.clip(np.round(values / 257.0), 0, 255).astype(np.uint8)


def picture_from_array(values: NDArray[Any]) -> Picture:
    """(H, W), (1, H, W), (H, W, 1|3|4) or (3, H, W) of whole numbers from 0 to 255, as a picture.

    Raises PipelineError for others: what fractions mean is not known, and they are never rounded or clipped.
    """
    from PIL import Image

    bits = eight_bits(values)
    if bits is None:
        raise PipelineError(f"An array of {values.dtype} is not a picture: pictures hold whole numbers from 0 to 255.")
    if bits.ndim == 3 and bits.shape[0] in (1, 3) and bits.shape[2] not in (1, 3, 4):
        bits = bits.transpose(1, 2, 0)
    if bits.ndim == 3 and bits.shape[2] == 1:
        bits = bits[:, :, 0]
    if not (bits.ndim == 2 or (bits.ndim == 3 and bits.shape[2] in (3, 4))):
        raise PipelineError(f"An array of shape {values.shape} is not a picture.")
    return to_plain(Image.fromarray(np.ascontiguousarray(bits)))


def to_tensor(image: Picture, steps: ImageSteps) -> NDArray[Any]:
    """One picture through all `steps`: float32 of shape (1, C, H, W) or (1, H, W, C).

    For a model that prepares pixels itself: uint8 of shape (1, H, W, C).
    """
    pixels = to_pixels(image, steps)
    return pixels if steps.pixels else normalized(pixels, steps)


def to_pixels(image: Picture, steps: ImageSteps) -> NDArray[np.uint8]:
    """The picture resized and cropped: uint8 of shape (1, H, W, C), red first; C is 1 for gray."""
    image = image.convert("L" if steps.channels == "gray" else "RGB")
    values: NDArray[np.uint8] = np.array(_crop(_resize(image, steps), steps), dtype=np.uint8)
    return values[None, :, :, None] if values.ndim == 2 else values[None]


def normalized(pixels: NDArray[np.uint8], steps: ImageSteps) -> NDArray[np.float32]:
    """What follows the crop: uint8 (n, H, W, C) → float32 (n, C, H, W) or (n, H, W, C)."""
    values: NDArray[Any] = pixels.astype(np.float32)
    if steps.channels == "bgr":
        values = values[..., ::-1]
    if steps.range == "0..1":
        values = values / np.float32(255)
    values = (values - np.asarray(steps.mean, np.float32)) / np.asarray(steps.std, np.float32)
    if steps.layout == "nchw":
        values = values.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(values, dtype=np.float32)


def _resize(image: Picture, steps: ImageSteps) -> Picture:
    from PIL import Image, ImageOps

    if steps.resize is None:
        return image
    width, height = _resized(image.size, steps)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling[steps.interpolation.upper()])
    if steps.letterbox and isinstance(steps.resize, tuple):
        left, top = _border(width, height, steps.resize)
        rest = (left, top, steps.resize[1] - width - left, steps.resize[0] - height - top)
        image = ImageOps.expand(image, rest, LETTERBOX_GRAY if image.mode == "L" else (LETTERBOX_GRAY,) * 3)
    return image


def _resized(size: tuple[int, int], steps: ImageSteps) -> tuple[int, int]:
    """Width and height after `resize`, without what a letterbox adds."""
    width, height = size
    if steps.resize is None:
        return size
    if isinstance(steps.resize, int):
        short, long = sorted(size)
        other = int(steps.resize * long / short)
        return (steps.resize, other) if width <= height else (other, steps.resize)
    if steps.letterbox:
        scale = min(steps.resize[1] / width, steps.resize[0] / height)
        return max(1, round(width * scale)), max(1, round(height * scale))
    return steps.resize[1], steps.resize[0]


def _border(width: int, height: int, frame: tuple[int, int]) -> tuple[int, int]:
    """Left and top of what a letterbox adds."""
    return (frame[1] - width) // 2, (frame[0] - height) // 2


@dataclass(frozen=True)
class Placing:
    """Where pixels of a picture lie in the model's input, `frame` (width, height): there is p · `scale` + `offset`
    (of x and y)."""

    scale: tuple[float, float]
    offset: tuple[float, float]
    frame: tuple[int, int]

    def back(self, corners: NDArray[Any]) -> NDArray[np.float64]:
        """Left, top, right, bottom (k, 4) of the input as places in the picture."""
        scale, offset = np.asarray(self.scale * 2), np.asarray(self.offset * 2)
        return np.asarray((corners - offset) / scale, np.float64)


def placing_of(size: tuple[int, int], steps: ImageSteps) -> Placing:
    """For a picture of `size` (width, height)."""
    width, height = framed = _resized(size, steps)
    left, top = 0, 0
    if steps.letterbox and isinstance(steps.resize, tuple):
        left, top = _border(width, height, steps.resize)
        framed = (steps.resize[1], steps.resize[0])
    if steps.crop is not None:
        high, wide = (steps.crop, steps.crop) if isinstance(steps.crop, int) else steps.crop
        left -= round((framed[0] - wide) / 2.0)
        top -= round((framed[1] - high) / 2.0)
        framed = (wide, high)
    return Placing((width / size[0], height / size[1]), (float(left), float(top)), framed)


def _crop(image: Picture, steps: ImageSteps) -> Picture:
    from PIL import ImageOps

    if steps.crop is None:
        return image
    height, width = (steps.crop, steps.crop) if isinstance(steps.crop, int) else steps.crop
    if width > image.width or height > image.height:
        missing_w, missing_h = max(width - image.width, 0), max(height - image.height, 0)
        border = (missing_w // 2, missing_h // 2, (missing_w + 1) // 2, (missing_h + 1) // 2)
        image = ImageOps.expand(image, border=border, fill=0)
    left, top = round((image.width - width) / 2.0), round((image.height - height) / 2.0)
    return image.crop((left, top, left + width, top + height))
