"""Parameters, questions and answers of the job that stays open: one model that answers one input after another."""

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from workers.contracts.base import Frozen
from workers.contracts.data.seen import SeenBox

MAX_TEXT_CHARS = 100_000
TRY_CALLS = 9


class TryParams(Frozen):
    """kind ``try_it``: loads one model, sends Ready("loaded"), then answers each `Request` until one without a request.

    `data_dir` is the folder of the data whose test items may be asked for.
    """

    model_dir: str
    runtime: str
    settings: dict[str, JsonValue] = {}
    data_dir: str | None = None


class TryRequest(Frozen):
    """One input: a file (picture, WAV, text, NPZ), a text, or the number of a test item.

    The model runs once to warm up and then up to `calls` timed times, as many as fit into a third of a second. With
    `draw` a picture is drawn small into the work folder. `beside` is the `answer.npy` of the version to compare with.
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


class Seen(Frozen):
    """What the model got of the input: pixels of a picture, tokens of a text, seconds of a sound, sizes of arrays.

    `cut`: the text was longer than the model reads. `first_of`: the file holds so many examples, and the first was
    taken. `levels` are the largest |samples| (0..1) of 64 equal parts.
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
    """One answer. Times are milliseconds of the model alone, reading and drawing the input left out.

    `kind`: ``class`` (`rows` are the best classes with shares of 1), ``score`` (one row), ``moments`` (one score for
    each moment: `rows` hold mean and largest), ``values`` (a vector or tensor; `values` are its first ones of `size`),
    ``text`` (`text`, of `size` tokens), ``boxes`` (around `size` things), ``nothing`` (no finite number). `latency_ms`
    is the median of `n_calls`. With `beside`: `same` says whether the class, text or things (or the side of one half,
    at every moment) are the same, `similarity` (1 is equal) how alike other answers are.
    `boxes` lie on the picture that is shown.
    Without it a sound is written into the work folder, to be played: `sound`, one channel of 16 bits.
    """

    kind: Literal["class", "score", "moments", "values", "text", "boxes", "nothing"]
    text: str = ""
    rows: tuple[tuple[str, float], ...] = ()
    values: tuple[float, ...] = ()
    size: int = 0
    latency_ms: float
    n_calls: int
    seen: Seen
    picture: str | None = None
    sound: str | None = None
    answer: str = "answer.npy"
    same: bool | None = None
    similarity: float | None = None
    boxes: tuple[SeenBox, ...] = ()


class TryResult(Frozen):
    """`asked` inputs were answered or refused until it was told to end."""

    asked: int
    device_ran: str
    fallbacks: tuple[str, ...] = ()
