"""Guess an image model's layout, size, colors and normalization."""

from dataclasses import replace
from typing import Any

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.pipeline.spec import ImageSteps, PipelineInput

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_USUAL_SIDE, _USUAL_WIDE, _LINE_HEIGHT = 224, 320, 48


def picture_layout(spec: TensorSpec, facts: ModelFacts, requested: bool) -> str | None:
    """Return "nchw" or "nhwc" if the input can be an image: four axes, one of them with 1 or 3 channels."""
    if spec.dtype not in ("float32", "float16", "uint8", "bfloat16"):
        return None
    if len(spec.shape) == 4 and spec.shape[1] in (1, 3):
        return "nchw"
    if len(spec.shape) == 4 and spec.shape[3] in (1, 3):
        return "nhwc"
    is_free = not spec.shape or (len(spec.shape) == 4 and not any(isinstance(spec.shape[at], int) for at in (1, 3)))
    return "nchw" if is_free and (requested or isinstance(facts.preprocess, ImageSteps)) else None


def guess_image(
    spec: TensorSpec, facts: ModelFacts, outputs: tuple[TensorSpec, ...]
) -> tuple[ImageSteps, tuple[str, ...]]:
    """Return the preparation and the names of guessed parts; sizes that the model fixes are not guesses."""
    layout = picture_layout(spec, facts, requested=True) or "nchw"
    axes = (2, 3) if layout == "nchw" else (1, 2)
    height, width = (_size(spec, axis) for axis in axes)
    gray = _size(spec, 1 if layout == "nchw" else 3) == 1
    if isinstance(facts.preprocess, ImageSteps):
        return _fixed(facts.preprocess, height, width, layout), ()
    classes = next((output.shape[-1] for output in outputs if len(output.shape) == 2), None)
    guessed = ["mean", "std", "range"]
    if height is None or width is None:
        guessed.append("resize")
        usual = _USUAL_SIDE if classes else _USUAL_WIDE
        height, width = height or usual, width or (usual if height is None else _USUAL_WIDE)
    if classes == 1000 and height == width:
        sizes: dict[str, Any] = {"resize": round(height / 0.875), "crop": (height, width)}
        guessed += ["resize", "crop"]
    else:
        sizes = {"resize": (height, width)}
    mean, std = _normalization(spec.dtype, gray, layout)
    steps = ImageSteps(
        **sizes,
        mean=mean,
        std=std,
        range="0..255" if spec.dtype == "uint8" else "0..1",
        channels="gray" if gray else "rgb",
        layout="nhwc" if layout == "nhwc" else "nchw",
    )
    return steps, tuple(dict.fromkeys(guessed))


def detector_image(steps: ImageSteps, form: str) -> ImageSteps:
    """Return guessed preparation for a detector.

    YOLO models take colors from 0 to 1 in a letterbox. Torchvision's detectors, whose boxes are already selected,
    normalize by themselves.
    """
    if form in ("detr", "boxes_labels"):
        return steps
    letterbox = form != "boxes_scores"
    return replace(steps, mean=(0.0,), std=(1.0,), resize=steps.sides, crop=None, letterbox=letterbox)


def reader_image(steps: ImageSteps, entry: PipelineInput) -> ImageSteps:
    """Return guessed preparation for a model that reads text in pictures, as PaddleOCR's.

    Colors are from −1 to 1. Where the model's width is free, lines keep their proportions, unless the model takes
    several at once, which must have one width.
    """
    shape = entry.shape or (None,) * 4
    height, width = shape[2:4] if steps.layout == "nchw" else shape[1:3]
    if width is None and shape[0] in (None, 1):
        steps = replace(steps, resize=(height or _LINE_HEIGHT, None), crop=None)
    half = (0.5,) * len(steps.mean)
    return replace(steps, mean=half, std=half) if steps.range == "0..1" else steps


def _size(spec: TensorSpec, axis: int) -> int | None:
    size = spec.shape[axis] if len(spec.shape) == 4 else None
    return size if isinstance(size, int) else None


def _normalization(dtype: str, gray: bool, layout: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std: none for bytes and gray images, ImageNet's for colors, −1..1 for channels last (Keras)."""
    if dtype == "uint8" or gray:
        return (0.0,), (1.0,)
    return ((0.5,) * 3, (0.5,) * 3) if layout == "nhwc" else (IMAGENET_MEAN, IMAGENET_STD)


def _fixed(steps: ImageSteps, height: int | None, width: int | None, layout: str) -> ImageSteps:
    """Return the stated preparation, changed so that its result has the size that the model requires."""
    update: dict[str, Any] = {"layout": layout}
    last = steps.crop or steps.resize
    now = (last, last) if isinstance(last, int) and steps.crop else last
    if height and width and now != (height, width):
        update |= {"crop": (height, width)} if isinstance(steps.resize, int) else {"resize": (height, width)}
    return replace(steps, **update)
