"""Define the values of the page Releases: frozen, with raw numbers in SI units."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from widgets.parts.small import CheckValue
from workers.contracts.decisions import Decision

ReleaseState = Literal["current", "previous", "kept", "removed"]


@dataclass(frozen=True)
class ReleaseValue:
    """A release; `changed` describes the changed predictions in a few words, `change` in a sentence.

    `figures` are a name, the text of the previous release ("" for none) and that of this one. `switch` is the command
    that loads it into a running service, "" if none runs. `signed_by` is a fingerprint, "" for
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
    figures: tuple[tuple[str, str, str], ...] = ()
    figures_note: str = ""

    @property
    def can_return(self) -> bool:
        """Return whether it can become the current release."""
        return self.state in ("previous", "kept")


@dataclass(frozen=True)
class ReleasesValue:
    """The page's value, releases and log with the newest first; each decision comes with its sentence.

    `old` bundles can be removed, which frees `old_bytes`.
    """

    project: str
    releases: tuple[ReleaseValue, ...]
    decisions: tuple[tuple[Decision, str], ...]
    log: CheckValue
    old: int = 0
    old_bytes: int = 0
