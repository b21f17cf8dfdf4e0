"""Define the values of the page of the GPU doctor."""

from dataclasses import dataclass

from widgets.parts.cards.error import ErrorValue
from widgets.parts.installing.value import InstallingValue
from workers.contracts.gpu import TriedRung


@dataclass(frozen=True)
class PlaceValue:
    """The computer or one GPU with its checks from the lowest level on.

    With `choice` the user can select the GPU for the work; `is_chosen` means that it is selected.
    """

    title: str
    about: str
    rungs: tuple[TriedRung, ...]
    choice: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class GpuValue:
    """The page's value; `is_trying` means that more checks follow.

    `installing` is set during an installation, `trouble` after a failed one.
    """

    headline: str
    subtitle: str
    places: tuple[PlaceValue, ...]
    is_trying: bool = False
    installing: InstallingValue | None = None
    trouble: ErrorValue | None = None
