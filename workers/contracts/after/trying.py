"""Contracts of the job kind ``try_it``: one loaded model that predicts one input after another."""

from typing import Literal

from pydantic import Field, model_validator

from workers.contracts.base import Frozen
from workers.contracts.data.seen import SeenBox
from workers.contracts.text import Text

MAX_TEXT_CHARS = 100_000
TRY_CALLS = 9


class TryRequest(Frozen):
    """One input: a file (picture, WAV, text, NPZ), a text or row of numbers, or the number of a test item.

    The model runs once for warm-up and then up to `calls` timed times, as many as fit into a third of a second.

    Attributes:
        draw: Draw a small copy of a picture into the work folder.
        beside: The `answer.npy` of the version to compare with.
    """

    path: str | None = None
    text: str | None = Field(default=None, max_length=MAX_TEXT_CHARS)
    item: int | None = Field(default=None, ge=0)
    draw: bool = False
    beside: str | None = None
    calls: int = Field(default=TRY_CALLS, ge=1, le=100)

    @model_validator(mode="after")
    def _one_input(self) -> "TryRequest":
        if sum(given is not None for given in (self.path, self.text, self.item)) != 1:
            raise ValueError("give a path, a text or an item, and only one of them")
        return self


class ShownPicture(Frozen):
    """What the model received: pixels of a picture, tokens of a text, seconds of a sound, shapes of arrays.

    Attributes:
        cut: The text was longer than the model reads.
        levels: Largest |samples| (0..1) of 64 equal parts of a sound.
        first_of: Number of examples in the file, of which the first was used.
    """

    kind: Literal["image", "text", "audio", "array"]
    height_px: int | None = None
    width_px: int | None = None
    tokens: int | None = None
    cut: bool = False
    seconds: float | None = None
    levels: tuple[float, ...] = ()
    shapes: dict[str, tuple[int, ...]] = {}
    first_of: int = 1


class TryAnswer(Frozen):
    """Prediction for one input; times are milliseconds of the model alone, without reading and drawing the input.

    `kind` is one of: ``class`` (`rows` are the best classes with shares of 1), ``score`` (one row), ``moments`` (one
    score per moment: `rows` hold mean and largest), ``values`` (a vector or tensor; `values` are the first of `size`),
    ``text`` (`text`, of `size` tokens), ``boxes`` (`size` objects), ``nothing`` (no finite number).

    Attributes:
        latency_ms: Median of `n_calls`.
        sound: WAV file in the work folder for playback, one channel of 16 bits; written for requests without `beside`.
        same: With `beside`: the class, text or objects (or the side of 0.5 at every moment) are equal.
        similarity: With `beside`: similarity of other predictions (1 is equal).
        boxes: Boxes on the picture that is shown.
    """

    kind: Literal["class", "score", "moments", "values", "text", "boxes", "nothing"]
    text: str = ""
    rows: tuple[tuple[str, float], ...] = ()
    values: tuple[float, ...] = ()
    size: int = 0
    latency_ms: float
    n_calls: int
    seen: ShownPicture
    picture: str | None = None
    sound: str | None = None
    answer: str = "answer.npy"
    same: bool | None = None
    similarity: float | None = None
    boxes: tuple[SeenBox, ...] = ()


class LiveResult(Frozen):
    """Result of the kinds ``try_it`` and ``chat``; `requests` counts those that were answered or refused."""

    requests: int
    device_ran: str
    fallbacks: tuple[Text, ...] = ()
