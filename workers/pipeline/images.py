"""Prepare pictures for a model; Pillow decodes and resizes, with the conventions of torchvision.

resize: an int is the shorter side, the other becomes ``int(size * long / short)``; crop: centered, offsets rounded to
even halves, black where the picture is smaller (torchvision.transforms.functional.resize, center_crop, to_tensor).
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
from .words import Words

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 178_956_970
"""Pillow's own limit for decompression bombs; larger pictures are refused."""
MAX_SIDE = 100_000
"""Maximum side in pixels.

A reduced copy of a longer picture is first as wide as the result and as high as the picture.
"""
MODE_BYTES = {"1": 6, "L": 5, "P": 9, "RGB": 4, "I;16": 7}
"""Memory per pixel from decoding to RGB, by Pillow's mode; `OTHER_BYTES` for all others."""
OTHER_BYTES = 8
FREE_BYTES, BYTES_A_FILE_BYTE = 240 << 20, 32
"""Memory limit of a picture: a fixed part, and a part per byte of its file, more than photographs ever need."""
MAX_ENLARGED, MAX_BETWEEN = 8_000_000, 40_000_000
"""Maximum pixels of the model's input and of intermediate pictures, unless the picture itself has more."""
BAND_PIXELS = 1 << 20
"""Number of pixels that are converted to 8 bits at a time, which limits memory."""
_ICON = b"\0\0\1\0"
_PNG_SIZE = re.compile(rb"\x89PNG\r\n\x1a\n.{4}IHDR(.{4})(.{4})", re.DOTALL)
_ORIENTATION = 0x0112  # EXIF tag

LETTERBOX_GRAY = 114
"""Gray around a picture in the training of Ultralytics' detectors (ultralytics.data.augment.LetterBox)."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "ICO", "PCX", "TGA", "JPEG2000", "AVIF")
"""Formats that Pillow decodes itself: no PostScript, no plug-ins that start programs."""


def open_picture(path: Path) -> Picture:
    """Decode the first frame, rotated upright by its EXIF mark, as mode RGB or L.

    Raises:
        PipelineError: The file cannot be decoded, in plain words.
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
        raise PipelineError("{0} is not a picture that can be read.", path.name) from error
    except Image.DecompressionBombError as error:
        raise PipelineError("{0} has more than {1:,} pixels, the most that are read.", path.name, MAX_PIXELS) from error
    except PARSER_ERRORS as error:
        if isinstance(error, PipelineError | FileNotFoundError | PermissionError):
            raise
        raise PipelineError("{0} is damaged and cannot be decoded ({1}).", path.name, error) from error


def check_pixels(image: Picture, path: Path, copies: int = 1) -> None:
    """Raise PipelineError for a picture that would fill the memory when it is decoded or copied `copies` times."""
    pixels = image.width * image.height
    most_bytes = FREE_BYTES + BYTES_A_FILE_BYTE * path.stat().st_size
    size = Words("{0:,} × {1:,} pixels", image.width, image.height)
    if pixels > MAX_PIXELS:
        raise PipelineError("{0} has {1}, and at most {2:,} pixels are read.", path.name, size, MAX_PIXELS)
    is_too_long = max(image.size) > MAX_SIDE
    if is_too_long or copies * pixels * MODE_BYTES.get(image.mode, OTHER_BYTES) > most_bytes:
        raise PipelineError("{0} has {1}, far more than a file of its size can hold.", path.name, size)


def _check_icon(path: Path) -> None:
    """Raise PipelineError for an icon that holds a large PNG, which Pillow decodes when it opens the icon."""
    with path.open("rb") as file:
        if file.read(len(_ICON)) != _ICON:
            return
        content = file.read()
    for found in _PNG_SIZE.finditer(content):
        if int.from_bytes(found[1]) * int.from_bytes(found[2]) * OTHER_BYTES > FREE_BYTES:
            raise PipelineError("{0} holds a picture which is too large.", path.name)


def to_plain(image: Picture) -> Picture:
    """Return the picture as 8-bit RGB or L: alpha on white, 16 bits scaled, palettes and CMYK converted."""
    if image.mode.startswith("I") or image.mode == "F":
        return _in_bands(image, "L", _to_8_bits(image))
    if image.mode == "1":
        return image.convert("L")
    if "A" in image.mode.upper() or "transparency" in image.info:
        return _in_bands(image, "RGB", _on_white)
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _in_bands(image: Picture, mode: str, change: Callable[[Picture], Picture]) -> Picture:
    """Return the picture in `mode`, converted in bands of rows with the same result as at once."""
    from PIL import Image

    done = Image.new(mode, image.size)
    for box in _bands(image.size):
        done.paste(change(image.crop(box)), box)
    return done


def _bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Return left, top, right, bottom of bands of about `BAND_PIXELS` pixels each."""
    width, height = size
    rows = max(BAND_PIXELS // max(width, 1), 1)
    return ((0, top, width, min(top + rows, height)) for top in range(0, height, rows))


def _on_white(image: Picture) -> Picture:
    from PIL import Image

    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _to_8_bits(image: Picture) -> Callable[[Picture], Picture]:
    """Return a function that converts bands of `image` to 8 bits.

    16-bit values are divided by 257, floats in 0..1 multiplied by 255, and values in 0..255 kept.
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
    """Return integers from 0 to 255 of shape (H, W), (1, H, W), (H, W, 1|3|4) or (3, H, W) as a picture.

    Raises:
        PipelineError: The array holds other numbers; fractions have no known meaning and are never rounded or clipped.
    """
    from PIL import Image

    bits = eight_bits(values)
    if bits is None:
        raise PipelineError(
            "An array of {0} is not a picture: pictures hold whole numbers from 0 to 255.", values.dtype
        )
    if bits.ndim == 3 and bits.shape[0] in (1, 3) and bits.shape[2] not in (1, 3, 4):
        bits = bits.transpose(1, 2, 0)
    if bits.ndim == 3 and bits.shape[2] == 1:
        bits = bits[:, :, 0]
    if not (bits.ndim == 2 or (bits.ndim == 3 and bits.shape[2] in (3, 4))):
        raise PipelineError("An array of shape {0} is not a picture.", values.shape)
    return to_plain(Image.fromarray(np.ascontiguousarray(bits)))


def to_tensor(image: Picture, steps: ImageSteps) -> NDArray[Any]:
    """Prepare one picture with all `steps`: (1, C, H, W) or (1, H, W, C) float32.

    For a model that prepares pixels itself the result is (1, H, W, C) uint8.
    """
    pixels = to_pixels(image, steps)
    return pixels if steps.pixels else normalized(pixels, steps)


def to_pixels(image: Picture, steps: ImageSteps) -> NDArray[np.uint8]:
    """Return the picture resized and cropped: (1, H, W, C) uint8, red first; C is 1 for gray."""
    mode = "L" if steps.channels == "gray" else "RGB"
    _check_enlarged(image.size, steps)
    image = image if image.mode == mode else image.convert(mode)
    values: NDArray[np.uint8] = np.array(_crop(_resize(image, steps), steps), dtype=np.uint8)
    return values[None, :, :, None] if values.ndim == 2 else values[None]


def normalized(pixels: NDArray[np.uint8], steps: ImageSteps) -> NDArray[np.float32]:
    """Apply the steps after the crop: uint8 (n, H, W, C) → float32 (n, C, H, W) or (n, H, W, C)."""
    values: NDArray[Any] = pixels.astype(np.float32)
    if steps.channels == "bgr":
        values = values[..., ::-1]
    if steps.range == "0..1":
        values /= np.float32(255)
    mean, std = np.asarray(steps.mean, np.float32), np.asarray(steps.std, np.float32)
    if values.shape[-1] == 1 < max(mean.size, std.size):
        values = np.repeat(values, max(mean.size, std.size), axis=-1)  # repeat gray for the model's color channels
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
    if (frame := _letterbox(steps)) is not None:
        left, top = _border(width, height, frame)
        rest = (left, top, frame[1] - width - left, frame[0] - height - top)
        image = ImageOps.expand(image, rest, LETTERBOX_GRAY if image.mode == "L" else (LETTERBOX_GRAY,) * 3)
    return image


def _resized(size: tuple[int, int], steps: ImageSteps) -> tuple[int, int]:
    """Return width and height after `resize`, without the border of a letterbox."""
    width, height = size
    if steps.resize is None:
        return size
    if isinstance(steps.resize, int):
        short, long = sorted(size)
        other = int(steps.resize * long / short)
        return (steps.resize, other) if width <= height else (other, steps.resize)
    high, wide = steps.resize
    if wide is None:
        return max(1, round(width * high / height)), high
    if steps.letterbox:
        scale = min(wide / width, high / height)
        return max(1, round(width * scale)), max(1, round(height * scale))
    return wide, high


def _check_enlarged(size: tuple[int, int], steps: ImageSteps) -> None:
    """Raise PipelineError for a picture that is too narrow: its longer side would grow with its shorter one.

    Pillow resizes the width first, and a crop larger than the picture pads it first.
    """
    width, height = _resized(size, steps)
    own, between, frame = size[0] * size[1], (width, max(height, size[1])), steps.crop
    if frame is not None:
        high, wide = _frame(frame)
        between, most = (max(between[0], wide), max(between[1], high)), max(MAX_BETWEEN, wide * high)
    else:
        is_free = isinstance(steps.resize, int) or (steps.resize is not None and steps.resize[1] is None)
        most = MAX_ENLARGED if is_free else max(MAX_BETWEEN, width * height)
    if between[0] * between[1] > max(most, own):
        raise PipelineError("A picture of {0}×{1} pixels is too long and narrow for this model.", size[0], size[1])


def _frame(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _letterbox(steps: ImageSteps) -> tuple[int, int] | None:
    """Return height and width of the frame that pictures are put into; None without one."""
    if not (steps.letterbox and isinstance(steps.resize, tuple)):
        return None
    high, wide = steps.resize
    return None if wide is None else (high, wide)


def _border(width: int, height: int, frame: tuple[int, int]) -> tuple[int, int]:
    """Return left and top of a letterbox's border."""
    return (frame[1] - width) // 2, (frame[0] - height) // 2


@dataclass(frozen=True)
class Placing:
    """Position of a picture in the model's input `frame` (width, height): p · `scale` + `offset` for x and y."""

    scale: tuple[float, float]
    offset: tuple[float, float]
    frame: tuple[int, int]

    def back(self, corners: NDArray[Any]) -> NDArray[np.float64]:
        """Convert left, top, right, bottom (k, 4) of the input to positions in the picture."""
        scale, offset = np.asarray(self.scale * 2), np.asarray(self.offset * 2)
        return np.asarray((corners - offset) / scale, np.float64)


def placing_of(size: tuple[int, int], steps: ImageSteps) -> Placing:
    """Return the position of a picture of `size` (width, height) in the model's input."""
    width, height = framed = _resized(size, steps)
    left, top = 0, 0
    if (frame := _letterbox(steps)) is not None:
        left, top = _border(width, height, frame)
        framed = (frame[1], frame[0])
    if steps.crop is not None:
        high, wide = _frame(steps.crop)
        left -= round((framed[0] - wide) / 2.0)
        top -= round((framed[1] - high) / 2.0)
        framed = (wide, high)
    return Placing((width / size[0], height / size[1]), (float(left), float(top)), framed)


def _crop(image: Picture, steps: ImageSteps) -> Picture:
    from PIL import ImageOps

    if steps.crop is None:
        return image
    height, width = _frame(steps.crop)
    if width > image.width or height > image.height:
        missing_w, missing_h = max(width - image.width, 0), max(height - image.height, 0)
        border = (missing_w // 2, missing_h // 2, (missing_w + 1) // 2, (missing_h + 1) // 2)
        image = ImageOps.expand(image, border=border, fill=0)
    left, top = round((image.width - width) / 2.0), round((image.height - height) / 2.0)
    return image.crop((left, top, left + width, top + height))
