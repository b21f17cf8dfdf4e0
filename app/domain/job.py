"""A job of the queue and an export, as history keeps them."""

import json
from dataclasses import dataclass

from pydantic import AwareDatetime

from app.domain.record import Stored


@dataclass(frozen=True)
class JobRecord(Stored):
    """`state`: queued, running, finished, failed, cancelled, crashed, interrupted.

    `log_path` is relative to the data folder.
    """

    id: str
    kind: str
    title: str
    state: str
    device: str
    created_at: AwareDatetime
    run_id: str | None = None
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    log_path: str | None = None
    error_json: str | None = None


@dataclass(frozen=True)
class ExportRecord(Stored):
    """One bundle that was written and self-tested."""

    id: str
    run_id: str
    variant_id: str
    target: str
    path: str
    sha256: str
    size_bytes: int
    created_at: AwareDatetime
    selftest_json: str
    override_reason: str | None = None

    @property
    def signed_by(self) -> str:
        """The fingerprint of the key that it was signed with, "" where it was not."""
        try:
            return str(json.loads(self.selftest_json).get("signed_by", ""))
        except (ValueError, AttributeError):
            return ""
