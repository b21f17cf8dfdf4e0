"""Define the values of the page Releases: frozen, with raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from widgets.parts.small import CheckValue

ReleaseState = Literal["current", "previous", "kept", "removed"]


@dataclass(frozen=True)
class FigureValue:
    """One figure as text, of the previous release ("" for none) and of this one."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ReleaseValue:
    """A release; `changed` describes the changed predictions in a few words, `change` in a sentence.

    `switch` is the command that loads it into a running service, "" if none runs. `signed_by` is a fingerprint, "" for
    none.
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
        """Return whether it can become the current release."""
        return self.state in ("previous", "kept")


@dataclass(frozen=True)
class DecisionValue:
    """One entry of the log: user, time, decision, and the reason in the user's words."""

    number: int
    at: datetime | None
    who: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class ReleasesValue:
    """The page's value, releases and log with the newest first.

    `old` bundles can be removed, which frees `old_bytes`.
    """

    project: str
    releases: tuple[ReleaseValue, ...]
    decisions: tuple[DecisionValue, ...]
    log: CheckValue
    old: int = 0
    old_bytes: int = 0
