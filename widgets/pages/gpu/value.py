"""What the page of the GPU doctor shows, in words."""

from dataclasses import dataclass

from widgets.parts.cards.error import ErrorValue
from widgets.parts.installing.value import InstallingValue
from workers.contracts.gpu import TriedRung


@dataclass(frozen=True)
class PlaceValue:
    """The computer or one card, with its rungs from the lowest. With `choice` a person can have the work done on it;
    `is_chosen`: it is.
    """

    title: str
    about: str
    rungs: tuple[TriedRung, ...]
    choice: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class GpuValue:
    """`headline` is the one sentence; `is_trying`: more comes. `installing` is present while the installer works,
    `trouble` where it could not.
    """

    headline: str
    subtitle: str
    places: tuple[PlaceValue, ...]
    is_trying: bool = False
    installing: InstallingValue | None = None
    trouble: ErrorValue | None = None
