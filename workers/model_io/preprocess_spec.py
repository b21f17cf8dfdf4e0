"""Parse the SPEC of ``--preprocess`` (docs/command-line.md) on top of the preparation found.

An example is `resize=256,crop=224,mean=0.485/0.456/0.406,…`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import SPEC_NAMES
from workers.contracts.translation import _, mark
from workers.model_io.words import refuse
from workers.pipeline.spec import ImageSteps, Preprocess
from workers.pipeline.spec_bounds import MAX_SIDE_PX

USUAL_1, USUAL_255 = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225", "mean=123.7/116.3/103.5,std=58.4/57.1/57.4"


def spec_from_string(text: str, base: Preprocess) -> Preprocess:
    """Return `base` with the parts named in `text` changed.

    Raises:
        InputRefused: with the part that is wrong.
    """
    steps: Preprocess = replace(base, **_values(text, *_KNOWN[base.kind]))
    return _in_one_range(steps) if isinstance(steps, ImageSteps) else steps


def _in_one_range(steps: ImageSteps) -> ImageSteps:
    """Check that mean and deviation fit the range: .485 is nothing beside 255, and 123.68 lies far beyond 1."""
    if steps.range == "0..255":
        small_mean = any(steps.mean) and all(abs(value) <= 1 for value in steps.mean)
        is_wrong, usual = small_mean or all(abs(value) < 1 for value in steps.std), USUAL_255
    else:
        is_wrong, usual = any(abs(value) > 2 for value in (*steps.mean, *steps.std)), USUAL_1
    if not is_wrong:
        return steps
    mean, std = ("/".join(f"{value:g}" for value in values) for values in (steps.mean, steps.std))
    raise refuse(
        "bad_preprocess",
        "Mean and spread do not belong to this brightness",
        _("“range={0}” with mean={1},std={2}: nearly all pictures would look alike to the model.").format(
            steps.range, mean, std
        ),
        _("For this brightness they are numbers such as {0}, or mean=0,std=1 for none.").format(usual),
    )


def is_image_spec(text: str) -> bool:
    """Return whether the text names a part that only images have, so that it overrides a guess of plain arrays."""
    return any(part.split("=")[0].strip() in _KNOWN["image"][1] for part in text.split(","))


def _values(text: str, kind: str, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if key not in known or not equals:
            raise _bad(part, _("For {0} these parts are known: {1}.").format(_(kind), ", ".join(known)))
        try:
            values[_FIELDS.get(key, key)] = known[key](value)
        except ValueError as error:
            raise _bad(part, error.args[0]) from error
    return values


def _bad(part: str, why: str) -> InputRefused:
    example = _("For example: resize=256,crop=224,{0},layout=nchw.").format(USUAL_1)
    return refuse(
        "bad_preprocess", "The preprocessing cannot be understood", _("“{0}”: {1}").format(part, why), example
    )


def _whole(text: str, least: int = 1, most: int = 1_000_000) -> int:
    if not re.fullmatch(r"\d{1,7}", text, re.ASCII) or not least <= int(text) <= most:
        raise ValueError(_("It must be a whole number from {0} to {1:,}.").format(least, most))
    return int(text)


_side = partial(_whole, most=MAX_SIDE_PX)


def _size(text: str) -> int | tuple[int, int] | None:
    height, x, width = text.partition("x")
    if text == "none":
        return None
    return (_side(height), _side(width)) if x else _side(text)


def _free_size(text: str) -> int | tuple[int, int | None] | None:
    """Return a size whose width may be free: `48x*`."""
    height = text.removesuffix("x*")
    return _size(text) if height == text else (_side(height), None)


def _number(text: str, may_be_zero: bool = True) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(_("It must be a number.")) from None
    if not abs(value) < 1e9 or (value == 0 and not may_be_zero):
        raise ValueError(_("It must be a number that is not so large.") if value else _("It must not be 0."))
    return value


_factor = partial(_number, may_be_zero=False)


def _numbers(text: str, parse: Callable[[str], float] = _number) -> tuple[float, ...]:
    values = tuple(map(parse, text.split("/")))
    if len(values) not in (1, 3):
        raise ValueError(_("It must be one number, or three joined by “/”."))
    return values


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(_("It must be one of {0}.").format(", ".join(names)))
        return text.lower()

    return read


def _yes_or_no(text: str) -> bool:
    return _one_of("yes", "no")(text) == "yes"


def _swap(text: str) -> tuple[float, float] | None:
    old, slash, new = text.partition("/")
    if text == "none":
        return None
    if not slash:
        raise ValueError(_("It must be two numbers joined by “/”: the value to replace and its replacement."))
    return _number(old), _number(new)


_FIELDS = {name: field for field, name in SPEC_NAMES.items()}
_KNOWN: Mapping[str, tuple[str, Mapping[str, Callable[[str], Any]]]] = {
    "image": (
        mark("pictures"),
        {
            "resize": _free_size,
            "crop": _size,
            "mean": _numbers,
            "std": partial(_numbers, parse=_factor),
            "layout": _one_of("nchw", "nhwc"),
            "range": _one_of("0..1", "0..255"),
            "channels": _one_of("rgb", "bgr", "gray"),
            "interpolation": _one_of("nearest", "bilinear", "bicubic", "lanczos"),
            "letterbox": _yes_or_no,
        },
    ),
    "text": (mark("texts"), {"max_length": _whole, "lowercase": _yes_or_no, "special_tokens": _yes_or_no}),
    "audio": (
        mark("sounds"),
        {
            "sample_rate": _whole,
            "frame": partial(_whole, least=0),
            "context": partial(_whole, least=0),
            "scale": _factor,
            "carry_state": _yes_or_no,
        },
    ),
    "array": (
        mark("arrays"),
        {"scale": _factor, "offset": _number, "order": _one_of("same", "reversed", "halves"), "swap": _swap},
    ),
}
"""Words for a kind of preparation, and how each part that a SPEC may name is parsed."""
