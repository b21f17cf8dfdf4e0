"""Convert a mask to a picture of the user's picture's size, to be laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..images import placing_of
from ..spec import ImageSteps, PipelineError, PipelineSpec
from .things import COLORS

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_CLASSES = 256


def mask_picture(
    mask: NDArray[Any], spec: PipelineSpec, size: tuple[int, int] | None = None, fed: tuple[int, int] = (1, 1)
) -> Picture:
    """Return a palette picture of the class numbers of `mask` (height, width); class 0 is black.

    Args:
        mask: (height, width) class numbers.
        spec: Description of the model.
        size: Width and height of the user's picture; parts that were cropped have class 0. None keeps the mask's size.
        fed: Height and width of the model's input.

    Raises:
        PipelineError: The mask has more than 256 classes.
    """
    from PIL import Image

    numbers = mask.astype(np.int64)
    if numbers.max(initial=0) >= MOST_CLASSES:
        raise PipelineError("A picture holds the numbers of {0} classes at most.", MOST_CLASSES)
    values = numbers.astype(np.uint8)
    if size is not None:
        rows, columns = (_places(spec, size, axis, fed, numbers.shape) for axis in (1, 0))
        values = np.zeros((size[1], size[0]), np.uint8)
        at = np.ix_(np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0))
        values[at] = numbers[np.ix_(rows[rows >= 0], columns[columns >= 0])]
    picture = Image.frombytes("P", (values.shape[1], values.shape[0]), values.tobytes())
    picture.putpalette([0, 0, 0, *(part for number in range(1, MOST_CLASSES) for part in _color(number))])
    return picture


def _places(
    spec: PipelineSpec, size: tuple[int, int], axis: int, fed: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the mask's index of each pixel of the picture along `axis` (0: x); −1 outside the model's input."""
    middles = np.arange(size[axis]) + 0.5
    if isinstance(spec.preprocess, ImageSteps):
        placing = placing_of(size, spec.preprocess)
        middles = middles * placing.scale[axis] + placing.offset[axis]
    count = shape[1 - axis]
    places = np.floor(middles * count / fed[1 - axis]).astype(np.int64)
    return np.where((places >= 0) & (places < count), places, -1)


def _color(number: int) -> tuple[int, ...]:
    code = COLORS[(number - 1) % len(COLORS)]
    return tuple(int(code[at : at + 2], 16) for at in (1, 3, 5))
