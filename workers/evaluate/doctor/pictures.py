"""List plausible preprocessings of pictures: mean and spread, color order, cropping, memory layout."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from workers.contracts.translation import _, joined, mark
from workers.evaluate.doctor.search import Axes, Axis
from workers.pipeline.spec import FREE_WIDTH_PX, ImageSteps, PipelineInput, Preprocess

USUAL_SIDE = 224


Family = tuple[Literal["0..1", "0..255"], tuple[float, ...], tuple[float, ...]]
"""Numbers that brightness becomes: the range of the values, and then mean and spread of each channel."""

IMAGENET: Family = ("0..1", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP: Family = ("0..1", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
COLOR: dict[str, Family] = {
    mark("0 to 1, ImageNet’s mean and spread"): IMAGENET,  # torchvision.models
    mark("−1 to 1"): ("0..1", (0.5,) * 3, (0.5,) * 3),  # Keras' mobilenet.preprocess_input, timm's inception
    mark("0 to 1"): ("0..1", (0.0,) * 3, (1.0,) * 3),  # torchvision's to_tensor alone
    mark("0 to 255"): ("0..255", (0.0,) * 3, (1.0,) * 3),  # Keras' efficientnet.preprocess_input
    mark("0 to 255 less the mean"): ("0..255", (123.68, 116.779, 103.939), (1.0,) * 3),  # Caffe's VGG, ResNet
    mark("1 to 0, dark and bright exchanged"): ("0..1", (1.0,) * 3, (-1.0,) * 3),  # negatives
}
SMALL = COLOR | {mark("0 to 1, CIFAR’s mean and spread"): ("0..1", (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))}
SMALL_PX = 96
"""Pictures with a smaller side are like CIFAR's. Others may be prepared as for CLIP, whose values nearly equal
ImageNet's.
"""
GRAY: dict[str, Family] = {
    mark("0 to 1"): ("0..1", (0.0,), (1.0,)),  # torchvision's to_tensor alone
    mark("1 to 0, dark and bright exchanged"): ("0..1", (1.0,), (-1.0,)),  # ink on paper, for a model of light on dark
    mark("−1 to 1"): ("0..1", (0.5,), (0.5,)),
    mark("0 to 255"): ("0..255", (0.0,), (1.0,)),
    mark("0 to 1, MNIST’s mean and spread"): ("0..1", (0.1307,), (0.3081,)),  # pytorch/examples, mnist
    mark("0 to 1, Fashion-MNIST’s mean and spread"): ("0..1", (0.286,), (0.353,)),
    mark("1 to −1, dark and bright exchanged"): ("0..1", (0.5,), (-0.5,)),
    mark("255 to 0, dark and bright exchanged"): ("0..255", (255.0,), (-1.0,)),
    mark("MNIST’s mean and spread, dark and bright exchanged"): ("0..1", (0.8693,), (-0.3081,)),
}
BYTES = {name: GRAY[name] for name in ("0 to 255", "255 to 0, dark and bright exchanged")}


def axes_of(entry: PipelineInput, chosen: ImageSteps) -> Axes:
    """Return the axes for this input."""
    channels = _channels(entry, chosen)
    small = max(side_of(entry, chosen)) < SMALL_PX
    families = BYTES if entry.dtype == "uint8" else GRAY if channels == 1 else SMALL if small else COLOR
    quick: list[Axis] = [lambda steps: with_families(steps, families.values())]
    if channels == 3:
        quick.append(both_orders)
    more: list[Axis] = [lambda steps: cuts(steps, side_of(entry, chosen), chosen)]
    if families is COLOR:
        more.append(lambda steps: [steps, *with_families(steps, (IMAGENET, CLIP))])
    if len(entry.shape) == 4 and entry.shape[1] is None and entry.shape[3] is None:
        more.append(both_layouts)
    return quick, more


def start_of(entry: PipelineInput, chosen: ImageSteps) -> ImageSteps:
    """Return the chosen preprocessing with the usual cropping, so that unusual sizes hide no other effect."""
    side = side_of(entry, chosen)
    if _channels(entry, chosen) == 1 or side[0] < SMALL_PX:
        return replace(chosen, resize=side, crop=None)
    return replace(chosen, resize=round(min(side) / 0.875), crop=side)


def with_families(steps: ImageSteps, families: Iterable[Family]) -> list[Preprocess]:
    """Return `steps` with each family. Its mean is in RGB order and is reversed for BGR."""
    turn = -1 if steps.channels == "bgr" else 1
    return [replace(steps, range=values, mean=mean[::turn], std=std[::turn]) for values, mean, std in families]


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
    variants: list[dict[str, Any]] = [
        {"resize": chosen.resize, "crop": chosen.crop, "interpolation": chosen.interpolation},
        {"resize": round(short / 0.875), "crop": side},
        {"resize": side, "crop": None},
        {"resize": short, "crop": side},
        {"resize": round(short / 0.875), "crop": side, "interpolation": "bicubic"},
    ]
    return [replace(steps, **variant) for variant in variants]


def both_layouts(steps: ImageSteps) -> list[Preprocess]:
    """Return `steps` with both memory layouts."""
    return [replace(steps, layout=layout) for layout in ("nchw", "nhwc")]


def side_of(entry: PipelineInput, chosen: ImageSteps) -> tuple[int, int]:
    """Return height and width of the model's input: its own, else the chosen ones, else 224."""
    axes = entry.shape[2:4] if chosen.layout == "nchw" else entry.shape[1:3]
    if len(axes) == 2 and axes[0] is not None and axes[1] is not None:
        return axes[0], axes[1]
    height, width = chosen.sides or (USUAL_SIDE, USUAL_SIDE)
    return height, width or FREE_WIDTH_PX


def _channels(entry: PipelineInput, chosen: ImageSteps) -> int:
    if len(entry.shape) == 4:
        own = entry.shape[1 if chosen.layout == "nchw" else 3]
        if own in (1, 3):
            return own
    return 1 if chosen.channels == "gray" else 3


def picture_words(steps: ImageSteps) -> str:
    """Return a preprocessing of pictures in words."""
    parts = [size_words(steps)]
    if steps.channels != "gray":
        parts.append(steps.channels.upper())
    parts.append(family_words(steps))
    return joined(parts, ", ")


def size_words(steps: ImageSteps) -> str:
    """Return how a picture is resized and cropped, in words."""
    words = []
    if isinstance(steps.resize, int):
        words.append(_("shorter side {0}").format(steps.resize))
    elif steps.resize is not None:
        height, width = steps.resize
        fit = _("inside a gray frame of {0} × {1}") if steps.letterbox else _("squeezed to {0} × {1}")
        fit = fit if width else _("height {0} with its proportions kept")
        words.append(fit.format(height, width))
    if steps.crop is not None:
        height, width = (steps.crop, steps.crop) if isinstance(steps.crop, int) else steps.crop
        words.append(_("the middle {0} × {1}").format(height, width))
    if steps.interpolation != "bilinear":
        words.append(steps.interpolation)
    if steps.layout == "nhwc":
        words.append(_("colors last"))
    return joined(words, ", ")


def family_words(steps: ImageSteps) -> str:
    """Return which numbers brightness becomes, in words."""
    mean, std = _three(steps.mean), _three(steps.std)
    for words, (values, *own_values) in (*SMALL.items(), (mark("0 to 1, CLIP’s mean and spread"), CLIP), *GRAY.items()):
        if values != steps.range:
            continue
        own, turned = (tuple(_three(part[::turn]) for part in own_values) for turn in (1, -1))
        if (mean, std) in (own, turned):
            fits = own == turned or ((mean, std) == turned) == (steps.channels == "bgr")
            return _(words) if fits else _("{0} in the other order").format(_(words))
    by = _("mean {0}, spread {1}").format("/".join(f"{v:g}" for v in steps.mean), "/".join(f"{v:g}" for v in steps.std))
    return joined([_("{0} to {1}").format(*steps.range.split("..")), by], ", ")


def _three(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in (values * 3 if len(values) == 1 else values))
