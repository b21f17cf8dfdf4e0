"""Define the values of the page "Under stress": frozen, with shares 0..1 that the page rounds."""

from dataclasses import dataclass

from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue
from widgets.parts.small import CheckValue
from workers.contracts.after.stress import StressCell, StressResult, StressVerdict

NOTHING = PictureValue()


@dataclass(frozen=True)
class StressRowValue:
    """One kind of stress; `severity` of a cell is its column, counted from 1.

    `about` is a whole sentence, `source` is the origin of the severities.
    """

    title: str
    cells: tuple[StressCell, ...]
    verdict: StressVerdict = "even"
    about: str = ""
    picture: PictureValue = NOTHING
    source: str = ""


@dataclass(frozen=True)
class StressFound:
    """A result with its rows and findings for the page.

    `near` and `far` have two cells each: how well inputs are told apart (AUROC), and the resulting false alarms
    (FPR95). `triggers` and `poison` end with what was not checked.
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
    """The page's value: `versions` are (id, title), `found` is None before a test; seconds are expected times."""

    kind: DataKind
    versions: tuple[tuple[str, str], ...]
    chosen: str
    quick_s: float
    full_s: float
    found: StressFound | None = None
