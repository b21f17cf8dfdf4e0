"""List plausible preprocessings of pictures: mean and spread, color order, cropping, memory layout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from workers.evaluate.doctor.ways import Axis
from workers.pipeline.spec import ImageSteps, PipelineInput, Preprocess

USUAL_SIDE = 224


@dataclass(frozen=True)
class Family:
    """One way to turn brightness into numbers, and where it comes from.

    Attributes:
        words: Name for people.
        range: Range of the values before mean and spread are applied.
        mean: Mean of each channel.
        std: Spread of each channel.
        source: Library or model that uses it.
    """

    words: str
    range: Literal["0..1", "0..255"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str


IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
COLOR = (
    Family("0 to 1, ImageNet’s mean and spread", "0..1", *IMAGENET, "torchvision.models"),
    Family("−1 to 1", "0..1", (0.5,) * 3, (0.5,) * 3, "Keras' mobilenet.preprocess_input, timm's inception"),
    Family("0 to 1", "0..1", (0.0,) * 3, (1.0,) * 3, "torchvision's to_tensor alone"),
    Family("0 to 255", "0..255", (0.0,) * 3, (1.0,) * 3, "Keras' efficientnet.preprocess_input"),
    Family("0 to 255 less the mean", "0..255", (123.68, 116.779, 103.939), (1.0,) * 3, "Caffe's VGG, ResNet"),
    Family("1 to 0, dark and bright exchanged", "0..1", (1.0,) * 3, (-1.0,) * 3, "negatives"),
)
CIFAR_10 = ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
CIFAR = Family("0 to 1, CIFAR’s mean and spread", "0..1", *CIFAR_10, "CIFAR-10's own")
CLIPS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
CLIP = Family("0 to 1, CLIP’s mean and spread", "0..1", *CLIPS, "openai/CLIP")
SMALL_PX = 96
"""Pictures with a smaller side are like CIFAR's. Others may be prepared as for CLIP, whose values nearly equal
ImageNet's.
"""
GRAY = (
    Family("0 to 1", "0..1", (0.0,), (1.0,), "torchvision's to_tensor alone"),
    Family("1 to 0, dark and bright exchanged", "0..1", (1.0,), (-1.0,), "ink on paper, for a model of light on dark"),
    Family("−1 to 1", "0..1", (0.5,), (0.5,), "the usual mean and spread of one half"),
    Family("0 to 255", "0..255", (0.0,), (1.0,), "bytes as numbers"),
    Family("0 to 1, MNIST’s mean and spread", "0..1", (0.1307,), (0.3081,), "pytorch/examples, mnist"),
    Family("0 to 1, Fashion-MNIST’s mean and spread", "0..1", (0.286,), (0.353,), "Fashion-MNIST's own"),
    Family("1 to −1, dark and bright exchanged", "0..1", (0.5,), (-0.5,), "negatives"),
    Family("255 to 0, dark and bright exchanged", "0..255", (255.0,), (-1.0,), "negatives"),
    Family("MNIST’s mean and spread, dark and bright exchanged", "0..1", (0.8693,), (-0.3081,), "negatives"),
)
BYTES = (
    Family("0 to 255", "0..255", (0.0,), (1.0,), "bytes"),
    Family("255 to 0, dark and bright exchanged", "0..255", (255.0,), (-1.0,), "negatives"),
)


def axes_of(entry: PipelineInput, chosen: ImageSteps) -> list[Axis]:
    """Return the axes for this input, the most informative first."""
    channels = _channels(entry, chosen)
    small = max(side_of(entry, chosen)) < SMALL_PX
    families = BYTES if entry.dtype == "uint8" else GRAY if channels == 1 else (*COLOR, CIFAR) if small else COLOR
    axes = [Axis("brightness", lambda steps: with_families(steps, families), quick=True)]
    if channels == 3:
        axes.append(Axis("colors", both_orders, quick=True))
    axes.append(Axis("cutting", lambda steps: cuts(steps, side_of(entry, chosen), chosen)))
    if families is COLOR:
        axes.append(Axis("near relatives", lambda steps: [steps, *with_families(steps, (COLOR[0], CLIP))]))
    if len(entry.shape) == 4 and entry.shape[1] is None and entry.shape[3] is None:
        axes.append(Axis("layout", both_layouts))
    return axes


def start_of(entry: PipelineInput, chosen: ImageSteps) -> ImageSteps:
    """Return the chosen preprocessing with the usual cropping, so that unusual sizes hide no other effect."""
    side = side_of(entry, chosen)
    if _channels(entry, chosen) == 1 or side[0] < SMALL_PX:
        return replace(chosen, resize=side, crop=None)
    return replace(chosen, resize=round(min(side) / 0.875), crop=side)


def with_families(steps: ImageSteps, families: Sequence[Family]) -> list[Preprocess]:
    """Return `steps` with each family. Its mean is in RGB order and is reversed for BGR."""
    found: list[Preprocess] = []
    for family in families:
        turned = steps.channels == "bgr"
        mean, std = (value[::-1] if turned else value for value in (family.mean, family.std))
        found.append(replace(steps, range=family.range, mean=mean, std=std))
    return found


def both_orders(steps: ImageSteps) -> list[Preprocess]:
    """Return RGB and BGR, each with its mean reversed and unchanged."""
    other: Literal["rgb", "bgr"] = "rgb" if steps.channels == "bgr" else "bgr"
    turned = replace(steps, mean=steps.mean[::-1], std=steps.std[::-1])
    found: list[Preprocess] = [steps, replace(turned, channels=other)]
    if len(set(steps.mean)) > 1:
        found += [replace(steps, channels=other), turned]
    return found


def cuts(steps: ImageSteps, side: tuple[int, int], chosen: ImageSteps) -> list[Preprocess]:
    """Return the usual croppings: as chosen, squeezed to size, and the center of the same or a slightly larger size."""
    short = min(side)
    ways: list[dict[str, Any]] = [
        {"resize": chosen.resize, "crop": chosen.crop, "interpolation": chosen.interpolation},
        {"resize": round(short / 0.875), "crop": side},
        {"resize": side, "crop": None},
        {"resize": short, "crop": side},
        {"resize": round(short / 0.875), "crop": side, "interpolation": "bicubic"},
    ]
    return [replace(steps, **way) for way in ways]


def both_layouts(steps: ImageSteps) -> list[Preprocess]:
    """Return `steps` with both memory layouts."""
    return [replace(steps, layout=layout) for layout in ("nchw", "nhwc")]


def side_of(entry: PipelineInput, chosen: ImageSteps) -> tuple[int, int]:
    """Return height and width of the model's input: its own, else the chosen ones, else 224."""
    axes = entry.shape[2:4] if chosen.layout == "nchw" else entry.shape[1:3]
    if len(axes) == 2 and axes[0] is not None and axes[1] is not None:
        return axes[0], axes[1]
    last = chosen.crop or chosen.resize or USUAL_SIDE
    return (last, last) if isinstance(last, int) else (last[0], last[1])


def _channels(entry: PipelineInput, chosen: ImageSteps) -> int:
    if len(entry.shape) == 4:
        own = entry.shape[1 if chosen.layout == "nchw" else 3]
        if own in (1, 3):
            return own
    return 1 if chosen.channels == "gray" else 3


def picture_words(steps: ImageSteps) -> str:
    """Return a preprocessing of pictures in words."""
    parts = [_size_words(steps)]
    if steps.channels != "gray":
        parts.append(steps.channels.upper())
    parts.append(_family_words(steps))
    return ", ".join(part for part in parts if part)


def _size_words(steps: ImageSteps) -> str:
    words = []
    if isinstance(steps.resize, int):
        words.append(f"shorter side {steps.resize}")
    elif steps.resize is not None:
        way = "inside a gray frame of" if steps.letterbox else "squeezed to"
        words.append(f"{way} {steps.resize[0]} × {steps.resize[1]}")
    if steps.crop is not None:
        height, width = (steps.crop, steps.crop) if isinstance(steps.crop, int) else steps.crop
        words.append(f"the middle {height} × {width}")
    if steps.interpolation != "bilinear":
        words.append(steps.interpolation)
    if steps.layout == "nhwc":
        words.append("colors last")
    return ", ".join(words)


def _family_words(steps: ImageSteps) -> str:
    mean, std = _three(steps.mean), _three(steps.std)
    for family in (*COLOR, CIFAR, CLIP, *GRAY):
        if family.range != steps.range:
            continue
        own, turned = (_three(family.mean), _three(family.std)), (_three(family.mean[::-1]), _three(family.std[::-1]))
        if (mean, std) in (own, turned):
            fits = own == turned or ((mean, std) == turned) == (steps.channels == "bgr")
            return family.words + ("" if fits else " in the other order")
    by = f"mean {'/'.join(f'{v:g}' for v in steps.mean)}, spread {'/'.join(f'{v:g}' for v in steps.std)}"
    return f"{steps.range.replace('..', ' to ')}, {by}"


def _three(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in (values * 3 if len(values) == 1 else values))
