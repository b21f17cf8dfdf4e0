"""Convert a model's masks to overlays for the person's pictures, and to words."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, joined
from workers.contracts.wording import percent
from workers.pipeline.answers import label_of
from workers.pipeline.images import placing_of
from workers.pipeline.postprocess.mask_pictures import mask_picture
from workers.pipeline.spec import ImageSteps, MaskSteps, PipelineSpec

if TYPE_CHECKING:
    from PIL.Image import Image

BACKGROUND = 0
OPACITY = 150
"""Opacity of 255, so that the picture stays visible below the mask."""

MOST_NAMED = 3


def is_mask(spec: PipelineSpec, answer: NDArray[Any]) -> bool:
    """Return whether a prediction (height, width) is a mask of classes with finite numbers."""
    return isinstance(spec.postprocess, MaskSteps) and answer.ndim == 2 and bool(np.isfinite(answer).all())


def laid_over(
    mask: NDArray[Any], spec: PipelineSpec, shown: tuple[int, int], whole: tuple[int, int] | None = None
) -> "Image":
    """Return a mask (height, width) in colors, as an overlay for a picture; the background is transparent.

    Args:
        mask: Class of each pixel.
        spec: SPEC of the model.
        shown: Width and height of the overlay.
        whole: Width and height of the person's picture; None if the whole model input is displayed.
    """
    from PIL import Image

    steps = spec.preprocess
    if whole is not None and isinstance(steps, ImageSteps):
        width, height = placing_of(whole, steps).frame
        numbers = mask_picture(mask, spec, whole, (height, width))
    else:
        numbers = mask_picture(mask, spec)
    numbers = numbers.resize(shown, Image.Resampling.NEAREST)
    opaque = numbers.point([0, *([OPACITY] * 255)], "L")
    colored = numbers.convert("RGBA")
    colored.putalpha(opaque)
    return colored


def mask_words(mask: NDArray[Any], spec: PipelineSpec) -> str:
    """Return the share of each class, the largest first, for example "cat 31.0 %, dog 4.0 % of the picture".

    The background is left out.
    """
    numbers, counts = np.unique(mask.astype(np.int64), return_counts=True)
    found = [(count / mask.size, int(one)) for one, count in zip(numbers, counts, strict=True) if one != BACKGROUND]
    if not found:
        return _("nothing found")
    largest = sorted(found, reverse=True)[:MOST_NAMED]
    named = joined([joined([label_of(spec, one), percent(share)]) for share, one in largest], ", ")
    more = len(found) - len(largest)
    return (_("{0} of the picture, and {1} more") if more else _("{0} of the picture")).format(named, more)
