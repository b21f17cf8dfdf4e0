"""Read preprocessing, classes and license of a recognized architecture's weights from the libraries."""

from math import floor
from typing import Any

from workers.model_io.facts import ModelFacts
from workers.pipeline.spec import ImageSteps

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
_TORCHVISION_LICENSE = "BSD-3-Clause"


def known(name: str, sha256: str, classes: int) -> tuple[ModelFacts, tuple[int, int, int]]:
    """Return the facts about "library/model", and the input's (channels, height, width).

    Preprocessing counts as found if the file is the library's own (torchvision's names carry the digest), and as
    guessed if only the architecture fits.
    """
    library, model = name.split("/", 1)
    return _timm(name, model, classes) if library == "timm" else _torchvision(name, model, sha256, classes)


def _torchvision(name: str, model: str, sha256: str, classes: int) -> tuple[ModelFacts, tuple[int, int, int]]:
    import torchvision

    weights = list(torchvision.models.get_model_weights(model))
    own = [w for w in weights if w.url.rsplit("-", 1)[-1].removesuffix(".pth") == sha256[:8]]
    chosen = own[0] if own else weights[0]
    preset = chosen.transforms()
    crop, resize = int(preset.crop_size[0]), int(preset.resize_size[0])
    steps = ImageSteps(
        resize=resize,
        crop=(crop, crop),
        interpolation=_usual(preset.interpolation.value),
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )
    found = ModelFacts(
        preprocess=steps,
        classes=tuple(chosen.meta["categories"]) if own or classes == 1000 else None,
        license=_TORCHVISION_LICENSE if own else None,
        architecture=f"{name} ({chosen})" if own else name,
        guessed=() if own else _guessed(classes),
    )
    return found, (3, crop, crop)


def _timm(name: str, model: str, classes: int) -> tuple[ModelFacts, tuple[int, int, int]]:
    import timm

    config = timm.get_pretrained_cfg(model)
    sizes: dict[str, Any] = config.to_dict() if config is not None else {}
    channels, height, width = tuple(sizes.get("input_size", (3, 224, 224)))
    if sizes.get("crop_mode", "center") == "squash" or height != width:
        resize: int | tuple[int, int] = (height, width)
    else:
        resize = floor(height / sizes.get("crop_pct", 0.875))
    steps = ImageSteps(
        resize=resize,
        crop=(height, width),
        interpolation=_usual(sizes.get("interpolation", "bicubic")),
        mean=tuple(sizes.get("mean", (0.485, 0.456, 0.406))),
        std=tuple(sizes.get("std", (0.229, 0.224, 0.225))),
    )
    found = ModelFacts(
        preprocess=steps,
        license=sizes.get("license") if "." in model else None,
        architecture=name,
        guessed=() if "." in model else _guessed(classes),
    )
    return found, (channels, height, width)


def _usual(interpolation: str) -> Any:
    return interpolation if interpolation in _INTERPOLATIONS else "bilinear"


def _guessed(classes: int) -> tuple[str, ...]:
    parts = ("resize", "crop", "mean", "std")
    return (*parts, "classes") if classes == 1000 else parts
