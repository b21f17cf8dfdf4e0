"""What the page "Under stress" shows: frozen, shares 0..1; the page rounds them."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue

StressVerdict = Literal["worse", "unclear", "even"]
NOTHING = PictureValue()
Measure = Literal["accuracy", "agreement", "similarity"]


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
    """One kind of stress; `about` is a whole sentence, `source` where its severities come from."""

    id: str
    title: str
    cells: tuple[StressCellValue, ...]
    verdict: StressVerdict = "even"
    about: str = ""
    picture: PictureValue = NOTHING
    source: str = ""


@dataclass(frozen=True)
class StressFound:
    """What was found. `near` and `far` have two cells each: how well inputs are told apart (AUROC), and the false
    alarms that this costs (FPR95); `triggers` and `poison` end with what was not looked for. `margin` is a share."""

    headline: str
    measure: Measure
    full: bool
    n_answered: int
    seconds: float
    rows: tuple[StressRowValue, ...]
    near: tuple[StressRowValue, ...] = ()
    far: tuple[StressRowValue, ...] = ()
    attacks: tuple[CheckValue, ...] = ()
    triggers: tuple[CheckValue, ...] = ()
    poison: tuple[CheckValue, ...] = ()
    margin: float = 0.02
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
