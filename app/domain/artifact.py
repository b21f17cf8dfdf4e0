"""Define the record of where a folder of the content-addressed store came from."""

import json
from dataclasses import dataclass

from pydantic import AwareDatetime

from app.domain.record import Stored


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
    created_at: AwareDatetime
    made_by_json: str = "{}"

    @property
    def job_id(self) -> str:
        """The job that made it; "" where that is not known."""
        try:
            return str(json.loads(self.made_by_json)["job"])
        except (ValueError, KeyError, TypeError):
            return ""
