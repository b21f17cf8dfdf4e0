"""What the page "Under stress" shows: frozen, shares 0..1; the page rounds them."""

from dataclasses import dataclass

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue
from workers.contracts.after.stress import StressCell, StressResult, StressVerdict

NOTHING = PictureValue()


@dataclass(frozen=True)
class StressRowValue:
    """One kind of stress. `severity` of a cell is its column, counted from 1. `about` is a whole sentence, `source`
    where the severities come from.
    """

    title: str
    cells: tuple[StressCell, ...]
    verdict: StressVerdict = "even"
    about: str = ""
    picture: PictureValue = NOTHING
    source: str = ""


@dataclass(frozen=True)
class StressFound:
    """A result with its rows and findings as they are shown.

    `near` and `far` have two cells each: how well inputs are told apart (AUROC), and the false alarms that this costs
    (FPR95). `triggers` and `poison` end with what was not looked for.
    """

    result: StressResult
    rows: tuple[StressRowValue, ...]
    near: tuple[StressRowValue, ...] = ()
    far: tuple[StressRowValue, ...] = ()
    attacks: tuple[CheckValue, ...] = ()
    triggers: tuple[CheckValue, ...] = ()
    poison: tuple[CheckValue, ...] = ()


@dataclass(frozen=True)
class StressValue:
    """`versions` are (id, title); `found` is None before this version was put under stress. Seconds are expected."""

    kind: DataKind
    versions: tuple[tuple[str, str], ...]
    chosen: str
    quick_s: float
    full_s: float
    found: StressFound | None = None
