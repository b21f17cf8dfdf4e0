"""Define the record of where a folder of the content-addressed store came from."""

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
