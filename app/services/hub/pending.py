"""What is asked of a download, what is remembered of one under way, and what a whole model is."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workers.contracts.base import Frozen
from workers.contracts.hub import DEFAULT_REVISION, HubFile, HubModelResult, Origin
from workers.contracts.licenses import LicenseVerdict


@dataclass(frozen=True)
class DownloadRequest:
    """`patterns` choose files as a shell matches names; without them Fettle does. `allow_pickle` is a consent."""

    repo: str
    revision: str = DEFAULT_REVISION
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


class PendingDownload(Frozen):
    """A download that was asked for: all that is needed to go on with it after a restart. `since` is ISO 8601, UTC."""

    endpoint: str
    repo: str
    revision: str
    commit: str
    files: tuple[HubFile, ...]
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False
    main: str | None = None
    license: str | None = None
    author: str | None = None
    verdict: LicenseVerdict | None = None
    since: str = ""

    @classmethod
    def of(cls, endpoint: str, ask: DownloadRequest, found: HubModelResult) -> "PendingDownload":
        """What `ask` means now that the hub has told its files."""
        return cls(
            endpoint=endpoint,
            repo=found.repo,
            revision=ask.revision,
            commit=found.commit,
            files=found.wanted,
            patterns=ask.patterns,
            allow_pickle=ask.allow_pickle,
            main=found.main,
            license=found.license,
            author=found.author,
            verdict=found.verdict,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def key(self) -> str:
        """Its place: the same files of the same commit have the same one."""
        files = sorted((file.name, file.size_bytes, file.sha256 or file.git_oid or "") for file in self.files)
        text = json.dumps([self.endpoint, self.repo, self.commit, files])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def total_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class Note(Frozen):
    """What stands beside a whole model."""

    origin: Origin
    name: str
    main: str | None = None
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


@dataclass(frozen=True)
class StoredModel:
    """A whole model. `folder` holds its files under their names in the repository; `main` is the one to open."""

    key: str
    folder: Path
    origin: Origin
    main: str | None

    @property
    def open_path(self) -> Path:
        """What to open: the one file that was asked for or that there is, which its content tells; else the folder."""
        main = self.origin.files[0].name if self.main is None and len(self.origin.files) == 1 else self.main
        return self.folder if main is None else self.folder.joinpath(*main.split("/"))

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.origin.files)
