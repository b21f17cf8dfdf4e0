"""What the page "Under stress" shows: frozen, shares 0..1; the page rounds them."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue

StressVerdict = Literal["worse", "unclear", "even"]
NOTHING = PictureValue()
Measure = Literal["accuracy", "agreement", "likeness"]


@dataclass(frozen=True)
class StressCellValue:
    """Both versions at one severity; `place` is its column, counted from 1, `level` the severity in words."""

    place: int
    level: str
    original: float
    optimized: float
    verdict: StressVerdict = "even"


@dataclass(frozen=True)
class StressRowValue:
    """One kind of stress; `about` is a whole sentence."""

    id: str
    title: str
    cells: tuple[StressCellValue, ...]
    verdict: StressVerdict = "even"
    about: str = ""
    picture: PictureValue = NOTHING


@dataclass(frozen=True)
class StressFound:
    """What was found. `nonsense` has one cell each: how sure both versions are of it."""

    headline: str
    measure: Measure
    full: bool
    n_answered: int
    seconds: float
    rows: tuple[StressRowValue, ...]
    nonsense: tuple[StressRowValue, ...] = ()
    attacks: tuple[CheckValue, ...] = ()
    poison: tuple[CheckValue, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StressValue:
    """`versions` are (id, title); `found` is None before this version was put under stress. Seconds are expected."""

    kind: DataKind
    versions: tuple[tuple[str, str], ...]
    chosen: str
    quick_s: float
    full_s: float
    found: StressFound | None = None
