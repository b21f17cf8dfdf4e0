"""Contracts of the job kind ``fed``: the model's actual inputs (`fettle inspect MODEL --data PATH`, page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.data.seen import SeenBox
from workers.contracts.text import Text
from workers.contracts.translation import Message, _, joined, localized

FedWay = Literal["prepared", "as_it_is"]
FedCode = Literal["as_they_are", "other_range", "guessing", "like_noise", "all_alike", "not_finite", "nothing_found"]
"""Codes of findings about the model's inputs.

- `as_they_are`: arrays of the model's own shape, nothing is prepared.
- `other_range`: the arrays are far from the numbers that the preparation gives.
- `guessing`: no more right predictions than guessing gives.
- `like_noise`: nearly the same results as for the same values in random order.
- `all_alike`: the same result for all.
- `not_finite`: NaN or infinity in the inputs.
- `nothing_found`: a detector finds no object in any of them, all masks are background, or no word is read.
"""


class FedParams(Frozen):
    """Parameters of the kind ``fed``: show the first `count` test examples of a read set as the model receives them.

    Attributes:
        model_dir: The original, whose results are checked for looking like noise.
        most_answers: Maximum number of examples for that check.
        seconds: Time limit of that check.
    """

    model_dir: str
    data_dir: str
    runtime: str = "onnxruntime-cpu"
    count: int = Field(default=3, ge=1, le=24)
    most_answers: int = Field(default=64, ge=0, le=10_000)
    seconds: float = Field(default=6.0, gt=0, le=600)


class FedInput(Frozen):
    """One input of the model with its range and mean (None if no value is finite).

    Attributes:
        not_finite: Number of values that are NaN or infinity.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    mean: float | None
    not_finite: int = 0


class FedExample(Frozen):
    """One example as the model receives it.

    Attributes:
        picture: PNG below the work folder that shows the prepared input; an array that is passed on unchanged is drawn
            from its lowest number (black) to its highest (white).
        boxes: Objects that a detector finds in it.
        mask: PNG of the same size with the model's mask.
        result: Any other prediction as text, or a note that a detector finds nothing.
        levels: Levels of a sound (see `Example`).
    """

    source: str
    way: FedWay
    inputs: tuple[FedInput, ...]
    picture: str | None = None
    boxes: tuple[SeenBox, ...] = ()
    mask: str | None = None
    result: Text = ""
    levels: tuple[float, ...] = ()


class FedFinding(Frozen):
    """Finding about the model's inputs.

    Attributes:
        n: Number of examples behind it.
        found: Measured figure, if any: share of right predictions (`guessing`), spread of results (`like_noise`), width
            of ranges (`other_range`).
        expected: Expected value of that figure.
    """

    code: FedCode
    level: Literal["info", "warning"]
    what: Text
    hint: Text = ""
    n: int = 0
    found: float | None = None
    expected: float | None = None


class FedResult(Frozen):
    """Result of the kind ``fed``.

    Attributes:
        preparation: Description of how pictures, texts or sounds are prepared; "" if they are not.
        answered: Number of examples that were evaluated.
    """

    kind: Literal["images", "texts", "arrays", "audio"]
    preparation: Text
    examples: tuple[FedExample, ...]
    findings: tuple[FedFinding, ...] = ()
    answered: int = 0


def shape_words(entry: FedInput) -> str:
    """Return the shape as text ("1 × 3 × 224 × 224"), "one number" for a scalar."""
    return joined([localized(size) for size in entry.shape], " × ") or _("one number")


def range_words(entry: FedInput) -> str:
    """Return lowest, highest and mean value as text, e.g. "−2.12 to 2.64, mean −0.03"; "mean" stays with its number."""
    if entry.low is None or entry.high is None or entry.mean is None:
        return _("no finite numbers")
    if entry.low == entry.high:
        return _("all {0}").format(number_words(entry.low))
    ends = number_words(entry.low), number_words(entry.high)
    return _("{0} to {1}, mean\u00a0{2}").format(*ends, number_words(entry.mean))


def number_words(value: float) -> str:
    """Return a number as text: whole from 1000 on, two decimals from 1 on, else two significant digits."""
    size = abs(value)
    if size >= 1e7 or 0 < size < 1:
        text = localized(size, ".2g")
    else:
        text = localized(size, ",.0f" if size >= 1000 or size == int(size) else ".2f")
    return Message.made("−{0}", (text,)) if value < 0 else text
