"""Define the values of the page Hub, with raw numbers in SI units; strangers wrote most of its texts."""

from dataclasses import dataclass
from typing import Literal

from widgets.parts.text import Tone
from workers.contracts.hub import HubModel, Sort

FormatKind = Literal["safe", "code", "not_here", "unknown"]
DownloadState = Literal["waiting", "running", "checking", "paused", "failed", "done"]


@dataclass(frozen=True)
class HubQueryValue:
    """A search; `task` is an id of the offered tasks, "" for any; `max_bytes` None is any size."""

    text: str = ""
    task: str = ""
    business: bool = False
    max_bytes: int | None = None
    runs_here: bool = False
    sort: Sort = "trending"


@dataclass(frozen=True)
class HubRowValue:
    """One model of the hub's list; `does` describes its task, `format` states whether its files are safe here.

    `about` is a second line below `does`. `mark` is a remark about the whole row.
    """

    model: HubModel
    does: str = ""
    format: FormatKind = "unknown"
    about: str = ""
    mark: str = ""


@dataclass(frozen=True)
class HubListValue:
    """The list: `note` is the text below the table, `more` means that the hub has a further page.

    `is_start` means that the rows are the starters, of which only the purpose is known.
    """

    rows: tuple[HubRowValue, ...]
    note: str = ""
    more: bool = False
    is_start: bool = False
    chosen: str = ""


Gated = tuple[str, bool, str]
"""A model with access on request: its page for the request, whether a token is stored, and a note."""


@dataclass(frozen=True)
class HubDetailValue:
    """The details of the chosen model; `by` is the line below its name, `facts` are (name, value, tone).

    `action` is the action of the main button, "" if there is none. `files` are (name, bytes) of the download. `problem`
    replaces the button's caption.
    """

    id: str
    name: str
    by: str = ""
    facts: tuple[tuple[str, str, Tone], ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    action: Literal["", "look_up", "download", "consent", "open", "again"] = ""
    total_bytes: int | None = None
    is_loading: bool = False
    problem: str = ""
    has_card: bool = False
    gated: Gated | None = None


@dataclass
class DownloadValue:
    """One download of a repository; `left_s` and `bytes_per_s` are None if they are unknown."""

    repo: str
    state: DownloadState
    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float | None = None
    left_s: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Return the repository's name without its owner."""
        return self.repo.rpartition("/")[2]
