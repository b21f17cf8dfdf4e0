"""Detect whether an image model predicts an image: the same channels, the input's size or a multiple."""

from collections.abc import Sequence

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.spec import ImageSteps, PipelineInput

LARGEST_FACTOR = 8


def gives_picture(answer: TensorSpec, inputs: Sequence[PipelineInput], steps: ImageSteps, found: ModelFacts) -> bool:
    """Return whether the prediction is an image; class names or other channel counts exclude it, free sizes do not."""
    if found.task == "image-to-image":
        return True
    entry = next((entry for entry in inputs if entry.source == "image"), None)
    if entry is None or found.classes is not None or len(answer.shape) != 4 or len(entry.shape) != 4:
        return False
    first = steps.layout == "nchw"
    given, taken = (shape[1] if first else shape[3] for shape in (answer.shape, entry.shape))
    sides = zip(*(shape[2:] if first else shape[1:3] for shape in (answer.shape, entry.shape)), strict=True)
    return isinstance(given, int) and given == taken and all(_multiple(out, of) for out, of in sides)


def _multiple(side: int | str | None, of: int | None) -> bool:
    if not isinstance(side, int) or of is None:
        return not isinstance(side, int)
    return side % of == 0 and side <= LARGEST_FACTOR * of
