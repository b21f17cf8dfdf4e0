"""What the page "Try it" shows: frozen, raw numbers in SI units; the page rounds them."""

from dataclasses import dataclass

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue

NOTHING = PictureValue()


@dataclass(frozen=True)
class LiveValue:
    """A version that can be tried."""

    id: str
    title: str
    size_bytes: int | None = None


@dataclass(frozen=True)
class TryValue:
    """The original, the versions to put beside it, and which one is. `kind` says what may be tried."""

    kind: DataKind
    original: LiveValue
    versions: tuple[LiveValue, ...]
    chosen: str


@dataclass(frozen=True)
class InputValue:
    """What is being tried: a picture, or a text (`PictureValue.text`), or a sound by its levels (0..1).

    `sound` is what can be played of it, as WAV bytes. `caption` says in words how the model got it.
    """

    picture: PictureValue = NOTHING
    caption: str = ""
    levels: tuple[float, ...] = ()
    sound: bytes = b""


@dataclass(frozen=True)
class AnswerValue:
    """One version's answer: `title` in a few words, `rows` of (name, share 0..1), `note` in a sentence."""

    title: str
    latency_ms: float
    rows: tuple[tuple[str, float], ...] = ()
    about: str = ""
    note: str = ""


@dataclass(frozen=True)
class TriedValue:
    """One line of "Tried so far". `same` is None where answers are no classes; then `similarity` tells (1 is equal)."""

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
    """A test example to click. `name` is its label, else what it is called."""

    item: int
    picture: PictureValue
    name: str = ""
    changed: bool = False
