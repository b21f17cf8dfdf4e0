"""Detect whether an image model predicts a mask or an image.

A mask has one plane per class over the image, or one plane of shares: (n, classes, height, width), (n, height, width,
classes), (n, 1, height, width), and (n, height, width) of whole numbers where the model chooses the class itself. An
image has the channels of the input, and its size or a multiple of it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.spec import ImageSteps, MaskSteps, PipelineInput

MOST_CLASSES = 256
MAPS_THRESHOLD = 0.3
"""Threshold of text maps (DB, arXiv 1911.08947), whose planes lie between 0 and 1 and have no telling name."""

CLEAR, CLEAR_SHARE = 0.1, 0.9
"""Distance from 0 or 1 and share of values within it; maps reach both, depths and gray images do not."""

_NAMED = re.compile(r"mask|seg|semantic", re.I)
_SCORES = re.compile(r"logit|prob|score|class|softmax", re.I)


def mask_steps(answer: TensorSpec, facts: ModelFacts) -> MaskSteps | None:
    """Return how to read the mask, from the model's files and its output's name and shape; None if it is no mask."""
    shape = answer.shape
    is_stated = (
        facts.task == "image-segmentation" or facts.answer_kind == "mask" or _NAMED.search(answer.name) is not None
    )
    whole_numbers = answer.dtype.startswith(("int", "uint"))
    if is_stated and (len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)) and whole_numbers:
        return MaskSteps(output=answer.name, planes="none" if len(shape) == 3 else "first", threshold=None)
    if len(shape) != 4:
        return None
    names = len(facts.classes) if facts.classes else None
    counts: tuple[tuple[Literal["first", "last"], int | str | None], ...] = (("first", shape[1]), ("last", shape[3]))
    for planes, count in counts:
        sides = shape[2:] if planes == "first" else shape[1:3]
        if not isinstance(count, int) or not 1 <= count <= MOST_CLASSES or any(side == 1 for side in sides):
            continue
        if is_stated or (names is not None and count == names > 1):
            threshold = 0.5 if count == 1 else None
            return MaskSteps(output=answer.name, planes=planes, threshold=threshold)
    return None


def looks_like_class_planes(
    answer: TensorSpec, outputs: Sequence[TensorSpec], inputs: Sequence[PipelineInput], steps: ImageSteps
) -> bool:
    """Return whether the output has a plane of scores for each class over the whole image, though no file says so.

    Its name speaks of scores, or is that of torchvision's segmentation models: "out" beside "aux".
    """
    entry = next((entry for entry in inputs if entry.source == "image"), None)
    is_named = _SCORES.search(answer.name) is not None or [output.name for output in outputs] == ["out", "aux"]
    if entry is None or not is_named or len(answer.shape) != 4 or len(entry.shape) != 4:
        return False
    count, sides = answer.shape[1], [size if isinstance(size, int) else None for size in answer.shape[2:]]
    channels_first = steps.layout == "nchw" and count != entry.shape[1]
    return channels_first and isinstance(count, int) and 2 <= count <= MOST_CLASSES and sides == [*entry.shape[2:]]


def corrected_mask(
    answer: str, values: Sequence[NDArray[np.float64]], steps: object, known: MaskSteps | None
) -> MaskSteps | None:
    """Correct the mask form from the model's own predictions for a few inputs.

    They show whether planes add up to 1, whether one plane is a map, and whether values are logits.
    """
    if known is not None:
        one = known.threshold is not None
        outside = any(bool((value < -1e-3).any() or (value > 1 + 1e-3).any()) for value in values)
        return replace(known, activation="sigmoid") if one and outside else known
    if not isinstance(steps, ImageSteps) or any(value.ndim != 4 or min(value.shape[2:]) < 2 for value in values):
        return None
    if not all(bool(((value >= 0) & (value <= 1)).all()) for value in values):
        return None
    places: tuple[tuple[Literal["first", "last"], int], ...] = (("first", 1), ("last", 3))
    for planes, axis in places:
        count = values[0].shape[axis]
        if 1 < count <= MOST_CLASSES and all(np.allclose(value.sum(axis=axis), 1, atol=1e-2) for value in values):
            return MaskSteps(output=answer, planes=planes)
        clear = np.mean([((value < CLEAR) | (value > 1 - CLEAR)).mean() for value in values])
        if count == 1 and clear >= CLEAR_SHARE:
            return MaskSteps(output=answer, planes=planes, threshold=MAPS_THRESHOLD)
    return None


LARGEST_FACTOR = 8


def gives_picture(answer: TensorSpec, inputs: Sequence[PipelineInput], steps: ImageSteps, facts: ModelFacts) -> bool:
    """Return whether the prediction is an image; class names or other channel counts exclude it, free sizes do not."""
    if facts.task == "image-to-image":
        return True
    entry = next((entry for entry in inputs if entry.source == "image"), None)
    if entry is None or facts.classes is not None or len(answer.shape) != 4 or len(entry.shape) != 4:
        return False
    first = steps.layout == "nchw"
    given, taken = (shape[1] if first else shape[3] for shape in (answer.shape, entry.shape))
    sides = zip(*(shape[2:] if first else shape[1:3] for shape in (answer.shape, entry.shape)), strict=True)
    return isinstance(given, int) and given == taken and all(_multiple(out, of) for out, of in sides)


def _multiple(side: int | str | None, of: int | None) -> bool:
    if not isinstance(side, int) or of is None:
        return not isinstance(side, int)
    return side % of == 0 and side <= LARGEST_FACTOR * of
