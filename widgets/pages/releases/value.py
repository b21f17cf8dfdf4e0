"""What the page Releases shows: frozen, raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from widgets.parts.small import CheckValue

ReleaseState = Literal["current", "previous", "kept", "removed"]


@dataclass(frozen=True)
class FigureValue:
    """One figure in words, of the release before ("" for none) and of this one."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ReleaseValue:
    """`changed` says in few words what became of the answers, `change` in a sentence. `switch` is the command that
    gives it to a running service, "" where nothing runs. `signed_by` is a fingerprint, "" for none.
    """

    number: int
    title: str
    target: str
    state: ReleaseState
    at: datetime
    size_bytes: int
    changed: str
    change: str
    file_name: str
    sha256: str
    suffix: str = ".zip"
    signed_by: str = ""
    switch: str = ""
    figures: tuple[FigureValue, ...] = ()
    figures_note: str = ""

    @property
    def can_return(self) -> bool:
        """Whether it can be made the current one."""
        return self.state in ("previous", "kept")


@dataclass(frozen=True)
class DecisionValue:
    """One entry of the log: who decided what when, and why in their own words."""

    number: int
    at: datetime | None
    who: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class ReleasesValue:
    """The newest release first, so the log. `old` bundles may be removed, which frees `old_bytes`."""

    project: str
    releases: tuple[ReleaseValue, ...]
    decisions: tuple[DecisionValue, ...]
    log: CheckValue
    old: int = 0
    old_bytes: int = 0
