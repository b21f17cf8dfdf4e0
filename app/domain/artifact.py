"""Where a folder of the content-addressed store came from."""

from dataclasses import dataclass

from pydantic import AwareDatetime

from app.domain.record import Stored


@dataclass(frozen=True)
class ArtifactRecord(Stored):
    """`key` is its place in the store; `made_by_json` holds what made it: inputs, parameters, versions, seed.

    `kind` is the job's kind that wrote it, `sha256` the digest over its files.
    """

    key: str
    kind: str
    sha256: str
    size_bytes: int
    created_at: AwareDatetime
    made_by_json: str = "{}"
