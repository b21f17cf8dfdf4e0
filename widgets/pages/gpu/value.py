"""Define the values of the page of the GPU doctor."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from widgets.parts.installing.value import SetValue
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
    """The page's value; `is_trying` means that more checks follow, `sets` are those that repair checks, by name."""

    headline: str
    subtitle: str
    places: tuple[PlaceValue, ...]
    is_trying: bool = False
    sets: Mapping[str, SetValue] = field(default_factory=dict)
