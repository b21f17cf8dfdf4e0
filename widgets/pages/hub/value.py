"""What the page Hub shows: raw numbers in SI units, words where words are meant. Most of it is a stranger's text."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from widgets.parts.text import Tone

FormatKind = Literal["safe", "code", "not_here", "unknown"]
DownloadState = Literal["waiting", "running", "checking", "paused", "failed", "done"]
LicenseKind = Literal["ok", "conditions", "noncommercial", "unknown"]


@dataclass(frozen=True)
class HubAskValue:
    """What the person looks for. `task` is an id of the offered tasks, "" for any; `max_bytes` None is any size."""

    text: str = ""
    task: str = ""
    business: bool = False
    max_bytes: int | None = None
    runs_here: bool = False
    sort: Literal["trending", "downloads", "likes", "updated", "created"] = "trending"


@dataclass(frozen=True)
class HubRowValue:
    """One model as the hub's list tells it. `id` is owner/name; `does` says in words what it does.

    `license` is its name, "" where none is stated, `license_words` the verdict in words. `about` is a second
    line below what it does; `mark` says something of the whole row.
    """

    id: str
    name: str
    author: str
    does: str = ""
    license: str = ""
    license_kind: LicenseKind = "unknown"
    license_words: str = ""
    size_bytes: int | None = None
    downloads: int | None = None
    updated_at: datetime | None = None
    format: FormatKind = "unknown"
    gated: bool = False
    about: str = ""
    mark: str = ""


@dataclass(frozen=True)
class HubListValue:
    """`note` stands below the table; `more` says that the hub has a further page.

    `is_start`: these are the starters, of which no more is known than what they are for.
    """

    rows: tuple[HubRowValue, ...]
    note: str = ""
    more: bool = False
    is_start: bool = False
    chosen: str = ""


@dataclass(frozen=True)
class FactValue:
    """A line of the details: name, value, and a tone where it is to be looked at."""

    name: str
    value: str
    tone: Tone = ""


@dataclass(frozen=True)
class GatedValue:
    """The author lets in only who asked: the model's page, where the person asks, and whether a token is kept."""

    page: str
    has_token: bool = False
    note: str = ""


@dataclass(frozen=True)
class HubDetailValue:
    """The chosen model. `by` is the line below its name: author and version.

    `action` is what the one primary button does, "" where nothing can be done.

    `files` are (name, bytes) of what would be downloaded. `problem` stands in place of the button's caption.
    """

    id: str
    name: str
    by: str = ""
    facts: tuple[FactValue, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    action: Literal["", "look_up", "download", "consent", "open", "again"] = ""
    total_bytes: int | None = None
    is_loading: bool = False
    problem: str = ""
    has_card: bool = False
    gated: GatedValue | None = None


@dataclass(frozen=True)
class DownloadValue:
    """One download. `left_s` and `bytes_per_s` are None where they are not known."""

    id: str
    name: str
    state: DownloadState
    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float | None = None
    left_s: float | None = None
    note: str = ""
