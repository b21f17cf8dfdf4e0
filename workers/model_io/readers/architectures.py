"""Recognize the architecture of weights by all tensors' names and shapes, and read its facts from the libraries."""

from collections.abc import Mapping
from math import floor
from pathlib import Path
from typing import Any

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _
from workers.contracts.wording import counted
from workers.model_io.facts import ModelFacts
from workers.model_io.readers.fingerprints import (
    Shapes,
    body_digest,
    build,
    distinctive,
    fingerprint,
    names_digest,
    read_table,
)
from workers.model_io.runtime import relative_error
from workers.model_io.words import refuse, shown
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
    facts = ModelFacts(
        preprocess=steps,
        classes=tuple(chosen.meta["categories"]) if own or classes == 1000 else None,
        license=_TORCHVISION_LICENSE if own else None,
        architecture=f"{name} ({chosen})" if own else name,
        guessed=() if own else _guessed(classes),
    )
    return facts, (3, crop, crop)


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
    facts = ModelFacts(
        preprocess=steps,
        license=sizes.get("license") if "." in model else None,
        architecture=name,
        guessed=() if "." in model else _guessed(classes),
    )
    return facts, (channels, height, width)


def _usual(interpolation: str) -> Any:
    return interpolation if interpolation in _INTERPOLATIONS else "bilinear"


def _guessed(classes: int) -> tuple[str, ...]:
    parts = ("resize", "crop", "mean", "std")
    return (*parts, "classes") if classes == 1000 else parts


MAX_COMPARED = 12
_SAME = 1e-4


def recognize(
    path: Path, tensors: Mapping[str, Any], sha256: str, wanted: str | None, ctx: JobContext
) -> tuple[Any, int, ModelFacts, tuple[int, int, int]]:
    """Return the module with these weights (float32, eval mode), its number of classes, its facts and its input size.

    Raises:
        InputRefused: the architecture is unknown, ambiguous, or not the wanted one.
    """
    shapes = distinctive({name: tuple(value.shape) for name, value in tensors.items()})
    fitting = [(wanted, _classes(shapes, wanted))] if wanted else matching_architectures(shapes)
    if not fitting:
        raise unknown(path, tensors)
    name, classes = fitting[0]
    module = load(path, name, classes, tensors)
    facts, size = known(name, sha256, classes)
    others = []
    for other, other_classes in fitting[1:MAX_COMPARED]:
        ctx.check_cancelled()
        if not _alike(module, load(path, other, other_classes, tensors), size):
            others.append(other)
    if others:
        raise refuse(
            "ambiguous_architecture",
            "Two architectures fit these weights",
            _("Architectures that compute different things fit the weights in {0}: {1}.").format(
                path.name, ", ".join([name, *others[:3]])
            ),
            _("Choose the right one: {0} or {1}.").format(name, others[0]),
            facts={"architectures": [name, *others]},
            by_command=f"--architecture {name}",
        )
    return module, classes, facts, size


def matching_architectures(shapes: Shapes) -> list[tuple[str, int]]:
    """Return architectures of the table with these names and shapes, and the number of classes of the weights."""
    entries = read_table().get(names_digest(shapes), [])
    fitting = [entry for entry in entries if body_digest(shapes, entry.head) == entry.body]
    return [(entry.name, shapes[entry.head[0]][0] if entry.head else 0) for entry in fitting]


def _classes(shapes: Shapes, wanted: str) -> int:
    """Return the number of classes of a named architecture: the first size of its head in the file."""
    try:
        _digest, entry = fingerprint(wanted if "/" in wanted else f"timm/{wanted}")
    except Exception as error:  # the libraries raise their own types for unknown names
        raise refuse(
            "unknown_architecture",
            "There is no such architecture",
            _("Neither torchvision nor timm has {0}.").format(shown(wanted)),
            "Write it like torchvision/resnet50 or timm/resnet50.",
        ) from error
    head = [name for name in entry.head if name in shapes]
    return shapes[head[0]][0] if head else 0


def load(path: Path, name: str, classes: int, tensors: Mapping[str, Any]) -> Any:
    """Build the architecture `name` and load the weights.

    Raises:
        InputRefused: the weights do not fit.
    """
    module = build(name, classes or None, device="cpu")
    given = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    wanted = module.state_dict()
    try:
        module.load_state_dict({**wanted, **{k: v for k, v in given.items() if k in wanted}}, strict=True)
        missing = sorted(set(distinctive(dict.fromkeys(wanted, ()))) ^ set(distinctive(dict.fromkeys(given, ()))))
    except RuntimeError as error:
        raise _unfit(path, name, str(error).split("\n")[-1].strip()) from error
    if missing:
        raise _unfit(path, name, _("for example {0}").format(missing[0]))
    return module.eval()


def _unfit(path: Path, name: str, why: str) -> Exception:
    return refuse(
        "wrong_architecture",
        "The weights do not fit the architecture",
        _("The weights in {0} are not those of {1}: {2}").format(path.name, name, shown(why, 200)),
        "Leave the architecture out, and Fettle looks for the right one.",
        by_command="leave --architecture out",
    )


def _alike(first: Any, second: Any, size: tuple[int, int, int]) -> bool:
    """Return whether both modules compute the same with these weights, tested on noise."""
    import torch

    generator = torch.Generator().manual_seed(0)
    picture = torch.randn((1, *size), generator=generator)
    with torch.inference_mode():
        try:
            want, got = first(picture), second(picture)
        except (RuntimeError, AssertionError):
            return False
    tensors = isinstance(want, torch.Tensor) and isinstance(got, torch.Tensor)
    return tensors and relative_error({"": want.numpy()}, {"": got.numpy()}) < _SAME


def unknown(path: Path, tensors: Mapping[str, Any]) -> Exception:
    """Return the refusal that describes the content of the file, so that its owner recognizes it."""
    names = ", ".join([*list(tensors)[:3], *(["…"] if len(tensors) > 3 else [])])
    count = counted(len(tensors), "tensor")
    numbers = sum(value.numel() for value in tensors.values())
    return refuse(
        "unknown_architecture",
        "The architecture of these weights is not known",
        _(
            "{0} holds {1} with {2:,} numbers ({3}), but not the code that computes with them, and no "
            "architecture of torchvision or timm has tensors of these names and shapes."
        ).format(path.name, count, numbers, shown(names, 150)),
        "Ask its author for the model as ONNX (torch.onnx.export) or TorchScript, made where its Python code is.",
    )
