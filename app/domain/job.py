"""Define the stored records of jobs, exports and artifacts."""

import json
from dataclasses import dataclass

from app.domain.record import Moment, Stored
from workers.contracts.text import Text


@dataclass(frozen=True)
class JobRecord(Stored):
    """One job of the queue.

    `state` is queued, running, finished, failed, cancelled, crashed or interrupted. `log_path` is relative to the data
    folder.
    """

    id: str
    kind: str
    title: Text
    state: str
    device: str
    created_at: Moment
    run_id: str | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    log_path: str | None = None
    error_json: str | None = None


@dataclass(frozen=True)
class ExportRecord(Stored):
    """One exported bundle that passed its self-test."""

    id: str
    run_id: str
    variant_id: str
    target: str
    path: str
    sha256: str
    size_bytes: int
    created_at: Moment
    selftest_json: str
    override_reason: str | None = None

    @property
    def signed_by(self) -> str:
        """Return the fingerprint of the key that signed it, "" if unsigned."""
        try:
            return str(json.loads(self.selftest_json).get("signed_by", ""))
        except (ValueError, AttributeError, RecursionError):
            return ""


@dataclass(frozen=True)
class ArtifactRecord(Stored):
    """One stored folder and its origin; owned by the database.

    `key` is its place in the store. `made_by_json` holds the inputs, parameters, versions and seed of the job. `kind`
    is the job's kind, and `sha256` the digest over its files.
    """

    key: str
    kind: str
    sha256: str
    size_bytes: int
    created_at: Moment
    made_by_json: str = "{}"

    @property
    def job_id(self) -> str:
        """The job that made it; "" where that is not known."""
        try:
            return str(json.loads(self.made_by_json)["job"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
