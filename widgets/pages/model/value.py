"""What the page Model shows: frozen, raw numbers in SI units; the page rounds them."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.pictures import PictureValue
from workers.contracts.pipeline import ImageSteps


@dataclass(frozen=True)
class SampleValue:
    """The built-in sample: a sentence or two about it, up to ten pictures, the seconds it takes."""

    about: str
    seconds: float
    pictures: tuple[PictureValue, ...] = ()


@dataclass(frozen=True)
class PreprocessValue:
    """`image` for models that take pictures, else `rows` of (name, value). `guessed` names fields or rows."""

    image: ImageSteps | None = None
    rows: tuple[tuple[str, str], ...] = ()
    guessed: frozenset[str] = frozenset()
    source: str = ""  # where it was found, in words: "from the model's own files"


@dataclass(frozen=True)
class FindingValue:
    """What a check found: `ok`, `warn` or `bad`, in a sentence."""

    level: Literal["ok", "warn", "bad"]
    what: str
    result: str = ""


@dataclass(frozen=True)
class ModelValue:
    """An opened model. `takes_in` and `gives_back` are words: "a picture, 224 × 224"; so is `does`."""

    name: str
    takes_in: str
    gives_back: str
    size_bytes: int
    parameters: int
    format: str
    does: str = ""
    license: str = ""
    origin: str = ""
    architecture: str = ""
    findings: tuple[FindingValue, ...] = ()
    preprocess: PreprocessValue | None = None
    classes: tuple[str, ...] = ()
    can_continue: bool = True


@dataclass(frozen=True)
class ShapeQuestionValue:
    """Inputs whose size the model does not say: (name, sizes; None where free)."""

    inputs: tuple[tuple[str, tuple[int | None, ...]], ...]
    example: str = ""
