"""What the hub's room is asked and what it answers: search, one model's page, download, whose token it is; and origin.

Everything in here that a hub said (names, authors, licenses, cards) is a stranger's text: show it as plain text.
"""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from workers.contracts.base import Frozen
from workers.contracts.licenses import LicenseVerdict

MAX_CARD_BYTES = 200_000
DEFAULT_REVISION = "main"

Format = Literal["onnx", "safetensors", "openvino", "pickle", "gguf", "tensorflow", "flax", "coreml", "tflite"]

Sort = Literal["trending", "downloads", "likes", "updated", "created"]

CHECKING = "checking"
"""The stage of a download in which what came before is hashed."""

MAX_NAME_BYTES, MAX_PART_BYTES = 1000, 255
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever follows the dot."""


def bad_name(name: str) -> str | None:
    """Why a file of a repository must not be written under this name below a folder; None where it may.

    What is refused here could leave the folder, mean something else on another system, or be told wrongly on a screen.
    """
    if not name or name.startswith("/"):
        return "it has no name" if not name else "its path begins at the root of the disk"
    if "\\" in name or ":" in name:
        return "it holds a backslash or a colon, which lead to other places on Windows"
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in name):
        return "it holds characters that cannot be seen"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "its path leads out of the folder or through nothing"
    if len(name.encode()) > MAX_NAME_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return "its name is too long"
    if any(part != part.rstrip(" .") or DEVICES.fullmatch(part) for part in parts):
        return "it has a name that Windows cannot keep"
    return None


def _checked_name(name: str) -> str:
    reason = bad_name(name)
    if reason is not None:
        raise ValueError(f"not a file name: {reason}")
    return name


FileName = Annotated[str, AfterValidator(_checked_name)]
"""Relative, with forward slashes, and sure to stay inside a folder."""


class HubAccess(Frozen):
    """Where the hub is and who asks. The token is sent to this endpoint's host alone and never written into a log.

    `timeout_s` bounds the wait for a connection and for each piece of an answer, `retries` the new attempts after a
    failure that may pass (a drop, 429, 5xx); waits between them grow from `backoff_s` and honor Retry-After up to
    `max_wait_s` each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str
    token: str | None = Field(default=None, repr=False)
    timeout_s: float = Field(default=20.0, gt=0, le=600)
    retries: int = Field(default=5, ge=0, le=20)
    backoff_s: float = Field(default=1.0, ge=0, le=60)
    max_wait_s: float = Field(default=120.0, ge=0, le=3600)


class HubParams(Frozen):
    """Base of the parameters of all jobs in this room."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access: HubAccess


class HubQuery(Frozen):
    """What a person looks for. `task`, `library` and `license` are the hub's ids; `cursor` is the page after."""

    text: str = Field(default="", max_length=200)
    task: str | None = None
    library: str | None = None
    license: str | None = None
    sort: Sort = "trending"
    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=4000)


class HubModel(Frozen):
    """One row of a search. `size_bytes` is that of the weights where the hub says it; `updated_at` is ISO 8601.

    `verdict` says what `license` allows (workers.hub.licenses).
    """

    repo: str
    task: str | None = None
    library: str | None = None
    author: str | None = None
    license: str | None = None
    downloads: int = 0
    likes: int = 0
    updated_at: str | None = None
    size_bytes: int | None = None
    formats: tuple[Format, ...] = ()
    safe_format: bool = False
    gated: bool = False
    verdict: LicenseVerdict | None = None


class HubSearchParams(HubParams):
    """kind ``hub_search``: one page."""

    query: HubQuery = HubQuery()


class HubSearchResult(Frozen):
    """`next_cursor` is None on the last page."""

    models: tuple[HubModel, ...]
    next_cursor: str | None = None


class HubFile(Frozen):
    """One file of a repository.

    `sha256` is known for large files, `git_oid` (sha1 of git's blob) for the others; one of them is always there.
    """

    name: FileName
    size_bytes: int = Field(ge=0)
    sha256: str | None = None
    git_oid: str | None = None


class HubModelParams(HubParams):
    """kind ``hub_model``: everything about one repository at one revision.

    `patterns` choose the files (as a shell matches names); without them Fettle chooses. `allow_pickle` is the person's
    consent to files that can hold a program.
    """

    repo: str
    revision: str = DEFAULT_REVISION
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


class HubModelResult(Frozen):
    """`wanted` are the files to download, `total_bytes` their sum; empty where there is nothing that may be opened.

    `safe`: no wanted file can hold a program. `needs_consent`: all weights are pickles, and `wanted` is empty until the
    person consents. `main` is the wanted file to open, None where the folder itself is opened. `card` is Markdown of at
    most 200 kB, cut where it was longer; `skipped` names files that are never downloaded, with the reason.
    """

    repo: str
    revision: str
    commit: str
    author: str | None = None
    license: str | None = None
    task: str | None = None
    library: str | None = None
    downloads: int = 0
    likes: int = 0
    updated_at: str | None = None
    card: str = ""
    card_cut: bool = False
    files: tuple[HubFile, ...] = ()
    formats: tuple[Format, ...] = ()
    wanted: tuple[HubFile, ...] = ()
    main: str | None = None
    total_bytes: int = 0
    gated: bool = False
    safe: bool = True
    needs_consent: bool = False
    skipped: tuple[tuple[str, str], ...] = ()
    verdict: LicenseVerdict | None = None


class HubDownloadParams(HubParams):
    """kind ``hub_download``: fetches `files` at `commit` into `place`, which may hold what came before.

    `place` is the one folder beside the job's own that may be written. Whole files lie below ``place/files`` under
    their names, pieces below ``place/pieces``. The job ends well only when every file is whole and verified.
    """

    repo: str
    commit: str
    files: tuple[HubFile, ...]
    place: str
    threads: int = Field(default=3, ge=1, le=8)


class OriginFile(Frozen):
    """One downloaded file with the digest of what really came."""

    name: FileName
    sha256: str
    size_bytes: int


class HubDownloadResult(Frozen):
    """`fetched_bytes` came over the network now; `resumed_bytes` were there from before."""

    files: tuple[OriginFile, ...]
    fetched_bytes: int
    resumed_bytes: int = 0


class HubLoginParams(HubParams):
    """kind ``hub_login``: asks the hub whose token it is."""


class HubLoginResult(Frozen):
    user: str


class HubPushParams(HubParams):
    """kind ``hub_push``: the files of a bundle become one commit of a repository, which is made, private, where it is
    not there. Without a `bundle` it only sees whether the name can be one and whose the token is."""

    repo: str
    bundle: str | None = None
    message: str = ""


class HubPushResult(Frozen):
    """`user` is whose token it was; `address` is where people see it, `commit` what was written there."""

    repo: str
    user: str
    commit: str = ""
    address: str = ""
    made: bool = False


class Origin(Frozen):
    """Where a model came from, as it was told and checked when it was downloaded; `downloaded_at` is ISO 8601, UTC.

    `endpoint` is the hub's address. `revision` is what the person asked for, `commit` what it meant at that time.
    """

    endpoint: str
    repo: str
    revision: str
    commit: str
    license: str | None = None
    author: str | None = None
    files: tuple[OriginFile, ...]
    downloaded_at: str
    verdict: LicenseVerdict | None = None
