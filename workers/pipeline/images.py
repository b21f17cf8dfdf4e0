"""Pictures as a model wants them. Pillow decodes and resizes; the conventions are those of torchvision.

resize: an int is the shorter side, the other becomes ``int(size * long / short)``; crop: centered, offsets
rounded to even halves, black where the picture is smaller (torchvision.transforms.functional.resize,
center_crop, to_tensor).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arrays import eight_bits
from .spec import PARSER_ERRORS, ImageSteps, PipelineError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 178_956_970
"""Pillow's own limit of a decompression bomb: larger pictures are refused."""
MAX_SIDE = 100_000
"""Pixels: what is drawn small from a longer picture is as wide as it first, and as high as the picture."""
MODE_BYTES = {"1": 6, "L": 5, "P": 9, "RGB": 4, "I;16": 7}
"""Memory that a pixel of each of Pillow's modes takes from decoding to RGB; `OTHER_BYTES` for all others."""
OTHER_BYTES = 8
FREE_BYTES, BYTES_A_FILE_BYTE = 240 << 20, 32
"""Memory that any picture may take, and what each byte of its file adds: photographs are never packed so tightly."""
MAX_ENLARGED, MAX_BETWEEN = 8_000_000, 40_000_000
"""Pixels for the model, and on the way there, where they are more than those of the picture itself."""
BAND_PIXELS = 1 << 20
"""Pixels that are turned to 8 bits at a time, to bound memory."""
_ICON = b"\0\0\1\0"
_PNG_SIZE = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{4})(.{4})", re.DOTALL)
_ORIENTATION = 0x0112  # the mark of EXIF

LETTERBOX_GRAY = 114
"""What Ultralytics' detectors are trained to see around a picture (ultralytics.data.augment.LetterBox)."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "ICO", "PCX", "TGA", "JPEG2000", "AVIF")
"""Only formats that Pillow decodes itself: no PostScript, no plug-ins that start programs."""


def open_picture(path: Path) -> Picture:
    """Decode the first frame, upright by its EXIF mark, as mode RGB or L. Raises PipelineError in plain
    words.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_icon(path)
            with Image.open(path, formats=FORMATS) as image:
                check_pixels(image, path)
                image.load()
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    check_pixels(image, path, copies=2)
                ImageOps.exif_transpose(image, in_place=True)
                return to_plain(image)
    except UnidentifiedImageError as error:
        raise PipelineError(f"{path.name} is not a picture that can be read.") from error
    except Image.DecompressionBombError as error:
        raise PipelineError(f"{path.name} has more than {MAX_PIXELS:,} pixels, the most that are read.") from error
    except PARSER_ERRORS as error:
        if isinstance(error, PipelineError | FileNotFoundError | PermissionError):
            raise
        raise PipelineError(f"{path.name} is damaged and cannot be decoded ({error}).") from error


def check_pixels(image: Picture, path: Path, copies: int = 1) -> None:
    """Raises PipelineError for a picture that would fill the memory, before it is decoded or copied `copies` times."""
    pixels = image.width * image.height
    most_bytes = FREE_BYTES + BYTES_A_FILE_BYTE * path.stat().st_size
    size = f"{image.width:,} × {image.height:,} pixels"
    if pixels > MAX_PIXELS:
        raise PipelineError(f"{path.name} has {size}, and at most {MAX_PIXELS:,} pixels are read.")
    is_too_long = max(image.size) > MAX_SIDE
    if is_too_long or copies * pixels * MODE_BYTES.get(image.mode, OTHER_BYTES) > most_bytes:
        raise PipelineError(f"{path.name} has {size}, far more than a file of its size can hold.")


def _check_icon(path: Path) -> None:
    """Raises PipelineError for an icon that holds a large PNG: Pillow decodes it when it opens the icon."""
    with path.open("rb") as file:
        if file.read(len(_ICON)) != _ICON:
            return
        content = file.read()
    for found in _PNG_SIZE.finditer(content):
        if int.from_bytes(found[1]) * int.from_bytes(found[2]) * OTHER_BYTES > FREE_BYTES:
            raise PipelineError(f"{path.name} holds a picture which is too large.")


def to_plain(image: Picture) -> Picture:
    """Mode RGB or L, 8 bits: alpha is laid on white, 16 bits are scaled, palettes and CMYK are resolved."""
    if image.mode.startswith("I") or image.mode == "F":
        return _in_bands(image, "L", _to_8_bits(image))
    if image.mode == "1":
        return image.convert("L")
    if "A" in image.mode.upper() or "transparency" in image.info:
        return _in_bands(image, "RGB", _on_white)
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _in_bands(image: Picture, mode: str, change: Callable[[Picture], Picture]) -> Picture:
    """Return the picture in `mode`, changed a band of rows at a time: each pixel becomes what it would at once."""
    from PIL import Image

    done = Image.new(mode, image.size)
    for box in _bands(image.size):
        done.paste(change(image.crop(box)), box)
    return done


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of rows that hold about `BAND_PIXELS` together."""
    width, height = size
    rows = max(BAND_PIXELS // max(width, 1), 1)
    return ((0, top, width, min(top + rows, height)) for top in range(0, height, rows))


def _on_white(image: Picture) -> Picture:
    from PIL import Image

    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _to_8_bits(image: Picture) -> Callable[[Picture], Picture]:
    """Return what turns bands of `image` to 8 bits: 16-bit values by 257; floats in 0..1 by 255; what is in 0..255
    stays.
    """
    from PIL import Image

    ends = [(band.min(), band.max()) for box in _bands(image.size) if (band := np.asarray(image.crop(box))).size]
    low, high = np.min(ends, initial=0), np.max(ends, initial=0)
    if image.mode == "F":
        scale = 255.0 if high <= 1.0 else 1.0
        return lambda band: Image.fromarray(np.clip(np.round(np.asarray(band) * scale), 0, 255).astype(np.uint8))
    if image.mode == "I" and low >= 0 and high <= 255:
        return lambda band: Image.fromarray(np.asarray(band).astype(np.uint8))
    return lambda band: Image.fromarray(np.clip(np.round(np.asarray(band) / 257.0), 0, 255).astype(np.uint8))


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
    mode = "L" if steps.channels == "gray" else "RGB"
    _check_enlarged(image.size, steps)
    image = image if image.mode == mode else image.convert(mode)
    values: NDArray[np.uint8] = np.array(_crop(_resize(image, steps), steps), dtype=np.uint8)
    return values[None, :, :, None] if values.ndim == 2 else values[None]


def normalized(pixels: NDArray[np.uint8], steps: ImageSteps) -> NDArray[np.float32]:
    """What follows the crop: uint8 (n, H, W, C) → float32 (n, C, H, W) or (n, H, W, C)."""
    values: NDArray[Any] = pixels.astype(np.float32)
    if steps.channels == "bgr":
        values = values[..., ::-1]
    if steps.range == "0..1":
        values /= np.float32(255)
    mean, std = np.asarray(steps.mean, np.float32), np.asarray(steps.std, np.float32)
    if values.shape[-1] == 1 < max(mean.size, std.size):
        values = np.repeat(values, max(mean.size, std.size), axis=-1)  # gray as the colors that the model wants
    values -= mean
    values /= std
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


def _check_enlarged(size: tuple[int, int], steps: ImageSteps) -> None:
    """Raises PipelineError for a picture that is far too narrow: its longer side would grow with its shorter one.

    Pillow resizes the width first, and a crop that is larger than the picture fills it up first.
    """
    width, height = _resized(size, steps)
    own, between, frame = size[0] * size[1], (width, max(height, size[1])), steps.crop
    if frame is not None:
        high, wide = (frame, frame) if isinstance(frame, int) else frame
        between, most = (max(between[0], wide), max(between[1], high)), max(MAX_BETWEEN, wide * high)
    else:
        most = MAX_ENLARGED if isinstance(steps.resize, int) else max(MAX_BETWEEN, width * height)
    if between[0] * between[1] > max(most, own):
        raise PipelineError(f"A picture of {size[0]}×{size[1]} pixels is too long and narrow for this model.")


def _border(width: int, height: int, frame: tuple[int, int]) -> tuple[int, int]:
    """Left and top of what a letterbox adds."""
    return (frame[1] - width) // 2, (frame[0] - height) // 2


@dataclass(frozen=True)
class Placing:
    """Where pixels of a picture lie in the model's input, `frame` (width, height): there is p · `scale` + `offset`
    (of x and y).
    """

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
