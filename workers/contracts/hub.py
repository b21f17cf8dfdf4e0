"""Contracts of hub jobs: search, a model's page, download, login, push; and the origin of a model.

Every text from a hub (names, authors, licenses, cards) was written by other people: show it as plain text.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from workers.contracts.base import Frozen, PathText
from workers.contracts.errors import BackendMissing, WorkerError
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.translation import mark

MAX_CARD_BYTES = 200_000
DEFAULT_REVISION = "main"

Format = Literal["onnx", "safetensors", "openvino", "pickle", "gguf", "tensorflow", "flax", "coreml", "tflite"]

Sort = Literal["trending", "downloads", "likes", "updated", "created"]

CHECKING = "checking"
"""Stage of a download in which the files from an earlier attempt are hashed."""

MAX_NAME_BYTES, MAX_PART_BYTES = 1000, 255
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever follows the dot."""


def bad_name(name: str) -> str | None:
    """Return why a file of a repository must not be written under this name below a folder; None if it may.

    Refused names could leave the folder, have another meaning on another system, or mislead on a screen.
    """
    if not name or name.startswith("/"):
        return mark("it has no name") if not name else mark("its path begins at the root of the disk")
    if "\\" in name or ":" in name:
        return mark("it holds a backslash or a colon, which lead to other places on Windows")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for character in name):
        return mark("it holds characters that cannot be seen")
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return mark("its path leads out of the folder or to no file")
    if len(name.encode()) > MAX_NAME_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return mark("its name is too long")
    if any(part != part.rstrip(" .") or DEVICES.fullmatch(part) for part in parts):
        return mark("it has a name that Windows cannot keep")
    return None


def _checked_name(name: str) -> str:
    reason = bad_name(name)
    if reason is not None:
        raise ValueError(f"not a file name: {reason}")
    return name


FileName = Annotated[str, AfterValidator(_checked_name)]
"""Relative file name with forward slashes that always stays inside a folder."""


def offline_error() -> WorkerError:
    """Build the error for the offline mode (HF_HUB_OFFLINE)."""
    return BackendMissing(
        "hub_offline",
        "Offline mode is on",
        "HF_HUB_OFFLINE is set, so no request was sent to the hub.",
        "Unset HF_HUB_OFFLINE to use the hub, or open a model that is on this computer already.",
    )


def time_of(text: str | None) -> datetime | None:
    """Return the time of an ISO 8601 text; None if it is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class HubAccess(Frozen):
    """Address and credentials of a hub.

    Attributes:
        token: Sent only to this endpoint's host and never written to a log.
        timeout_s: Limit of the wait for a connection and for each piece of a response.
        retries: Number of new attempts after a temporary failure (a drop, 429, 5xx).
        backoff_s: First wait between attempts; waits grow from it and honor Retry-After.
        max_wait_s: Limit of each wait.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str
    token: str | None = Field(default=None, repr=False)
    timeout_s: float = Field(default=20.0, gt=0, le=600)
    retries: int = Field(default=5, ge=0, le=20)
    backoff_s: float = Field(default=1.0, ge=0, le=60)
    max_wait_s: float = Field(default=120.0, ge=0, le=3600)


class HubParams(Frozen):
    """Parameters of the kind ``hub_login``, and base of the parameters of all other hub jobs."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    access: HubAccess


class HubQuery(Frozen):
    """The user's search; `task`, `library` and `license` are the hub's ids; `cursor` is the next page."""

    text: str = Field(default="", max_length=200)
    task: str | None = None
    library: str | None = None
    license: str | None = None
    sort: Sort = "trending"
    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=4000)


class HubModel(Frozen):
    """One row of a search.

    Attributes:
        updated_at: ISO 8601.
        size_bytes: Size of the weights, if the hub reports it.
        verdict: What `license` allows (workers.hub.licenses).
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

    @property
    def name(self) -> str:
        """Return the repository's name without its owner."""
        return self.repo.rpartition("/")[2]

    @property
    def changed_at(self) -> datetime | None:
        """Return `updated_at` as a time; None if it is none."""
        return time_of(self.updated_at)


class HubSearchParams(HubParams):
    """Parameters of the kind ``hub_search``: one page of results."""

    query: HubQuery = HubQuery()


class HubSearchResult(Frozen):
    """Result of the kind ``hub_search``; `next_cursor` is None on the last page."""

    models: tuple[HubModel, ...]
    next_cursor: str | None = None


class HubFile(Frozen):
    """One file of a repository; at least one of the two digests is set.

    Attributes:
        sha256: Known for large files.
        git_oid: sha1 of git's blob, for the other files.
    """

    name: FileName
    size_bytes: int = Field(ge=0)
    sha256: str | None = None
    git_oid: str | None = None


class HubRequest(Frozen):
    """The user's request of one repository at one revision.

    Attributes:
        patterns: Shell patterns that choose the files; without them Fettle chooses.
        allow_pickle: The user's consent to files that can hold a program.
    """

    repo: str
    revision: str = DEFAULT_REVISION
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


class HubModelParams(HubParams, HubRequest):
    """Parameters of the kind ``hub_model``: everything about one repository at one revision."""


class HubModelResult(HubModel):
    """Result of the kind ``hub_model``.

    Attributes:
        card: Markdown of at most 200 kB; `card_cut` marks a longer card.
        wanted: Files to download; empty if no file may be opened.
        main: The wanted file to open; None if the folder itself is opened.
        total_bytes: Sum of the sizes of `wanted`.
        safe: No wanted file can hold a program.
        needs_consent: All weights are pickles, and `wanted` is empty until the user consents.
    """

    revision: str
    commit: str
    card: str = ""
    card_cut: bool = False
    wanted: tuple[HubFile, ...] = ()
    main: str | None = None
    total_bytes: int = 0
    safe: bool = True
    needs_consent: bool = False


class HubDownloadParams(HubParams):
    """Parameters of the kind ``hub_download``: download `files` at `commit` into `place`, resuming an earlier attempt.

    The job succeeds only when every file is complete and verified.

    Attributes:
        place: The only folder besides the job's own that may be written. Files are below ``place/files`` under their
            names, also those that are not complete yet.
    """

    repo: str
    commit: str
    files: tuple[HubFile, ...]
    place: str


class OriginFile(Frozen):
    """One downloaded file with the digest of the received bytes."""

    name: FileName
    sha256: str
    size_bytes: int


class HubDownloadResult(Frozen):
    """Result of the kind ``hub_download``: `fetched_bytes` were downloaded now, `resumed_bytes` existed before."""

    files: tuple[OriginFile, ...]
    fetched_bytes: int
    resumed_bytes: int = 0


class HubPushParams(HubParams):
    """Parameters of the kind ``hub_push``: write the files of a bundle as one commit to a repository.

    A missing repository is created as a private one. Without `bundle` the job only checks the name and the token's
    owner.
    """

    repo: str
    bundle: PathText | None = None
    message: str = ""


class HubPushResult(Frozen):
    """Result of the kind ``hub_push``: `user` owns the token, `address` is the public page, `commit` the new commit.

    The kind ``hub_login`` finds out the user alone.
    """

    repo: str = ""
    user: str
    commit: str = ""
    address: str = ""
    made: bool = False


class Origin(Frozen):
    """Where a model came from, as recorded and checked at its download.

    Attributes:
        endpoint: The hub's address.
        revision: The revision that the user requested.
        commit: The commit of that revision at that time.
        downloaded_at: ISO 8601, UTC.
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
