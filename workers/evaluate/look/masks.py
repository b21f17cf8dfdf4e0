"""Masks of a model as pictures to lay over the person's own, and in words."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.wording import percent
from workers.pipeline.answers import label_of
from workers.pipeline.images import placing_of
from workers.pipeline.postprocess.mask_pictures import mask_picture
from workers.pipeline.spec import ImageSteps, MaskSteps, PipelineSpec

if TYPE_CHECKING:
    from PIL.Image import Image

BACKGROUND = 0
OPACITY = 150
"""Of 255: the picture shows through."""

MOST_NAMED = 3


def is_mask(spec: PipelineSpec, answer: NDArray[Any]) -> bool:
    """Whether an answer (height, width) is one of classes for each pixel, with finite numbers."""
    return isinstance(spec.postprocess, MaskSteps) and answer.ndim == 2 and bool(np.isfinite(answer).all())


def laid_over(
    mask: NDArray[Any], spec: PipelineSpec, shown: tuple[int, int], whole: tuple[int, int] | None = None
) -> "Image":
    """A model's mask (height, width) in colors at the size `shown` (width, height), to lay over a picture; what is
    background shows nothing. `whole` is the size of the person's picture, None where the whole input is shown."""
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
    """ "cat 31.0 %, dog 4.0 % of the picture": the largest first, without the background."""
    numbers, counts = np.unique(mask.astype(np.int64), return_counts=True)
    found = [(count / mask.size, int(one)) for one, count in zip(numbers, counts, strict=True) if one != BACKGROUND]
    if not found:
        return "nothing found"
    named = [f"{label_of(spec, one)} {percent(share)}" for share, one in sorted(found, reverse=True)[:MOST_NAMED]]
    more = len(found) - len(named)
    return f"{', '.join(named)} of the picture{f', and {more} more' if more else ''}"
