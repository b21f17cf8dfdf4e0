"""What the page of the GPU doctor shows, in words."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.cards.error import ErrorValue
from widgets.parts.installing.value import InstallingValue

RungState = Literal["ok", "broken", "not_tried", "running"]


@dataclass(frozen=True)
class RungValue:
    """One rung: what was found, and where it does not hold why, what mends it, a line to copy for that. `installs` is
    the set of packages by which the installer mends it, "" where it does not."""

    title: str
    state: RungState
    found: str = ""
    reason: str = ""
    hint: str = ""
    command: str = ""
    installs: str = ""


@dataclass(frozen=True)
class PlaceValue:
    """The computer or one card, with its rungs from the lowest. With `choice` a person can have the work done on it;
    `is_chosen`: it is."""

    title: str
    about: str
    rungs: tuple[RungValue, ...]
    choice: str = ""
    is_chosen: bool = False


@dataclass(frozen=True)
class GpuValue:
    """`headline` is the one sentence; `is_trying`: more comes. `installing` is present while the installer works,
    `trouble` where it could not."""

    headline: str
    subtitle: str
    places: tuple[PlaceValue, ...]
    is_trying: bool = False
    installing: InstallingValue | None = None
    trouble: ErrorValue | None = None
