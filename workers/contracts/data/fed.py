"""What the model is fed: the job kind ``fed`` (`fettle inspect MODEL --data PATH`, the page Data)."""

from typing import Literal

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.data.seen import SeenBox

FedWay = Literal["prepared", "as_it_is"]
FedCode = Literal["as_they_are", "other_range", "guessing", "like_noise", "all_alike", "not_finite", "nothing_found"]
"""`as_they_are`: arrays of the model's own shape, nothing is prepared. `other_range`: they are far from the numbers
that the preparation gives. `guessing`: no more right answers than without looking. `like_noise`: hardly another result
than for the same values in random order. `all_alike`: the same result for all. `not_finite`: NaN or infinity goes in.
`nothing_found`: a detector finds nothing in any of them, all masks are background, or no word is read.
"""


class FedParams(Frozen):
    """kind ``fed``: the first `count` test examples of a read set as they go into the model, and whether the results of
    the model of `model_dir`, the original, look like noise on up to `most_answers` of them, within `seconds`."""

    model_dir: str
    data_dir: str
    runtime: str = "onnxruntime-cpu"
    count: int = Field(default=3, ge=1, le=24)
    most_answers: int = Field(default=64, ge=0, le=10_000)
    seconds: float = Field(default=6.0, gt=0, le=600)


class FedInput(Frozen):
    """One input of the model: its numbers from `low` to `high` with their `mean`, None where none is finite.

    `not_finite` counts NaN and infinity.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    mean: float | None
    not_finite: int = 0


class FedExample(Frozen):
    """One example. `picture` names a PNG below the work folder: how it looks after its preparation; of an array that
    goes in as it is, from its lowest number (black) to its highest (white). `boxes` is what a detector finds in it,
    `mask` a PNG of the same size with what a model marks in it, `result` what people read of any other
    answer, or that a detector finds nothing. `levels` are of a sound (see `Example`)."""

    source: str
    way: FedWay
    inputs: tuple[FedInput, ...]
    picture: str | None = None
    boxes: tuple[SeenBox, ...] = ()
    mask: str | None = None
    result: str = ""
    levels: tuple[float, ...] = ()


class FedFinding(Frozen):
    """`n` are the examples that it rests on; `found` and `expected` its figures, where it has some: shares of right
    answers (`guessing`), spreads of results (`like_noise`), widths of ranges (`other_range`)."""

    code: FedCode
    level: Literal["info", "warning"]
    what: str
    hint: str = ""
    n: int = 0
    found: float | None = None
    expected: float | None = None


class FedResult(Frozen):
    """`preparation` says in words what is done to pictures, texts or sounds; "" where nothing is. `answered` are the
    examples that the model was asked."""

    kind: Literal["images", "texts", "arrays", "audio"]
    preparation: str
    examples: tuple[FedExample, ...]
    findings: tuple[FedFinding, ...] = ()
    answered: int = 0
