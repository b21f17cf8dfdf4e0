"""Define the stored state of a download while under way, and a complete model."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workers.contracts.base import Frozen
from workers.contracts.hub import HubFile, HubModelResult, HubRequest, Origin
from workers.contracts.licenses import LicenseVerdict


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class PendingDownload(HubRequest):
    """A requested download with everything to resume it after a restart; `since` is ISO 8601, UTC."""

    endpoint: str
    commit: str
    files: tuple[HubFile, ...]
    main: str | None = None
    license: str | None = None
    author: str | None = None
    verdict: LicenseVerdict | None = None
    since: str = ""

    @classmethod
    def of(cls, endpoint: str, request: HubRequest, found: HubModelResult) -> "PendingDownload":
        """Return the download for a request once the hub has listed its files."""
        facts = found.model_dump(include={"commit", "main", "license", "author", "verdict"})
        return cls(**request.model_dump(), **facts, endpoint=endpoint, files=found.wanted, since=now())

    @property
    def key(self) -> str:
        """Return the name of its folder, which is equal for the same files of the same commit."""
        files = sorted((file.name, file.size_bytes, file.sha256 or file.git_oid or "") for file in self.files)
        text = json.dumps([self.endpoint, self.repo, self.commit, files])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all its files."""
        return sum(file.size_bytes for file in self.files)


class Note(Frozen):
    """The note stored beside a complete model."""

    origin: Origin
    name: str
    main: str | None = None
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


@dataclass(frozen=True)
class StoredModel:
    """A complete model; `folder` holds its files under their names in the repository, `main` is the one to open."""

    key: str
    folder: Path
    origin: Origin
    main: str | None

    @property
    def open_path(self) -> Path:
        """Return the path to open: the requested or only file, else the folder."""
        main = self.origin.files[0].name if self.main is None and len(self.origin.files) == 1 else self.main
        return self.folder if main is None else self.folder.joinpath(*main.split("/"))

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all its files."""
        return sum(file.size_bytes for file in self.origin.files)
