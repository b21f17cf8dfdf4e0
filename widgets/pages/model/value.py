"""Define the values of the page Model: frozen, with raw numbers in SI units that the page rounds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue

if TYPE_CHECKING:
    from workers.contracts.pipeline import ImageSteps


@dataclass(frozen=True)
class SampleValue:
    """The built-in sample: a short description, up to ten pictures, and the seconds it takes."""

    about: str
    seconds: float
    pictures: tuple[PictureValue, ...] = ()


@dataclass(frozen=True)
class PreprocessValue:
    """The preparation: `image` for models of pictures, else `rows` of (name, value).

    `guessed` names fields or rows.
    """

    image: "ImageSteps | None" = None
    rows: tuple[tuple[str, str], ...] = ()
    guessed: frozenset[str] = frozenset()
    source: str = ""  # origin of the steps as text: "from the model's own files"


@dataclass(frozen=True)
class ModelValue:
    """An opened model; `takes_in`, `gives_back` and `does` are texts such as "a picture, 224 × 224"."""

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
    findings: tuple[CheckValue, ...] = ()
    preprocess: PreprocessValue | None = None
    classes: tuple[str, ...] = ()
