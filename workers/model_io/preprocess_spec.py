"""Parse the SPEC of ``--preprocess`` (docs/command-line.md) on top of the preparation found.

An example is `resize=256,crop=224,mean=0.485/0.456/0.406,…`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import SPEC_NAMES
from workers.model_io.words import refuse
from workers.pipeline.spec import ImageSteps, Preprocess
from workers.pipeline.spec_bounds import MAX_SIDE_PX

_EXAMPLE = "A whole one looks like resize=256,crop=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,layout=nchw."


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
        wrong = small_mean or all(abs(value) < 1 for value in steps.std)
        fitting = "For brightness from 0 to 255 they are numbers such as mean=123.7/116.3/103.5,std=58.4/57.1/57.4"
    else:
        wrong = any(abs(value) > 2 for value in (*steps.mean, *steps.std))
        fitting = "For brightness from 0 to 1 they are numbers such as mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
    if not wrong:
        return steps
    mean, std = ("/".join(f"{value:g}" for value in values) for values in (steps.mean, steps.std))
    raise refuse(
        "bad_preprocess",
        "Mean and spread do not belong to this brightness",
        f"“range={steps.range}” with mean={mean},std={std}: nearly all pictures would look alike to the model.",
        f"{fitting}, or mean=0,std=1 for none.",
    )


def is_image_spec(text: str) -> bool:
    """Return whether the text names a part that only images have, so that it overrides a guess of plain arrays."""
    return any(part.split("=")[0].strip() in _KNOWN["image"][1] for part in text.split(","))


def _values(text: str, kind: str, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if key not in known or not equals:
            raise _bad(part, f"For {kind} these parts are known: {', '.join(known)}.")
        try:
            values[_FIELDS.get(key, key)] = known[key](value)
        except ValueError as error:
            raise _bad(part, str(error)) from error
    return values


def _bad(part: str, why: str) -> InputRefused:
    return refuse("bad_preprocess", "The preprocessing cannot be understood", f"“{part}”: {why}", _EXAMPLE)


def _whole(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise ValueError("It must be a whole number above 0.")
    return int(text)


def _whole_or_none(text: str) -> int:
    """Parse a whole number, where 0 means none."""
    return 0 if text == "0" else _whole(text)


def _size(text: str) -> int | tuple[int, int] | None:
    if text == "none":
        return None
    if "x" not in text:
        return _side(text)
    height, _, width = text.partition("x")
    return (_side(height), _side(width))


def _side(text: str) -> int:
    if (side := _whole(text)) > MAX_SIDE_PX:
        raise ValueError(f"A side has at most {MAX_SIDE_PX:,} pixels.")
    return side


def _numbers(text: str) -> tuple[float, ...]:
    wrong = "It must be one number, or three joined by “/”."
    try:
        values = tuple(float(value) for value in text.split("/"))
    except ValueError:
        raise ValueError(wrong) from None
    if len(values) not in (1, 3):
        raise ValueError(wrong)
    return values


def _divisors(text: str) -> tuple[float, ...]:
    values = _numbers(text)
    if any(value == 0 for value in values):
        raise ValueError("Dividing by 0 is not possible.")
    return values


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"It must be one of {', '.join(names)}.")
        return text.lower()

    return read


def _yes_or_no(text: str) -> bool:
    return _one_of("yes", "no")(text) == "yes"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("It must be a number.") from None
    if not abs(value) < 1e9:
        raise ValueError("It must be a number that is not so large.")
    return value


def _factor(text: str) -> float:
    value = _number(text)
    if value == 0:
        raise ValueError("It must not be 0.")
    return value


def _swap(text: str) -> tuple[float, float] | None:
    if text == "none":
        return None
    old, slash, new = text.partition("/")
    if not slash:
        raise ValueError("It must be two numbers joined by “/”, the value that is there and the one to give.")
    return _number(old), _number(new)


_FIELDS = {name: field for field, name in SPEC_NAMES.items()}
_KNOWN: Mapping[str, tuple[str, Mapping[str, Callable[[str], Any]]]] = {
    "image": (
        "pictures",
        {
            "resize": _size,
            "crop": _size,
            "mean": _numbers,
            "std": _divisors,
            "layout": _one_of("nchw", "nhwc"),
            "range": _one_of("0..1", "0..255"),
            "channels": _one_of("rgb", "bgr", "gray"),
            "interpolation": _one_of("nearest", "bilinear", "bicubic", "lanczos"),
            "letterbox": _yes_or_no,
        },
    ),
    "text": ("texts", {"max_length": _whole, "lowercase": _yes_or_no, "special_tokens": _yes_or_no}),
    "audio": (
        "sounds",
        {
            "sample_rate": _whole,
            "frame": _whole_or_none,
            "context": _whole_or_none,
            "scale": _factor,
            "carry_state": _yes_or_no,
        },
    ),
    "array": (
        "arrays",
        {"scale": _factor, "offset": _number, "order": _one_of("same", "reversed", "halves"), "swap": _swap},
    ),
}
"""Words for a kind of preparation, and how each part that a SPEC may name is parsed."""
