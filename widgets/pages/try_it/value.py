"""Define the values of the page "Try it": frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue

NOTHING = PictureValue()


@dataclass(frozen=True)
class TryValue:
    """The page's value: the kind of inputs, the original's size, and the other versions as (id, title, bytes).

    `chosen` is the id of the shown version, and `row` has the columns of a row of numbers that can be typed.
    """

    kind: DataKind
    original_bytes: int | None
    versions: tuple[tuple[str, str, int | None], ...]
    chosen: str
    row: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputValue:
    """The current input: a picture, a text (`PictureValue.text`), or a sound by its levels (0..1).

    `sound` is its playable form as WAV bytes. `caption` describes how the model received it.
    """

    picture: PictureValue = NOTHING
    caption: str = ""
    levels: tuple[float, ...] = ()
    sound: bytes = b""


@dataclass(frozen=True)
class TriedValue:
    """One line of "Tried so far"; without classes `same` is None, and `similarity` applies (1 is equal)."""

    id: int
    picture: PictureValue
    name: str
    before: str
    before_ms: float
    after: str
    after_ms: float
    same: bool | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class ExampleValue:
    """A test example to click; `name` is its label, or else another name."""

    item: int
    picture: PictureValue
    name: str = ""
    changed: bool = False
