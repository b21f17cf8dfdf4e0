"""Store which cache entry holds the findings about a version under stress."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from app.services.flow.artifacts import ArtifactStore
from workers.contracts.after.stress import StressResult
from workers.contracts.base import Frozen


class StressRecord(Frozen):
    """The key of the newest findings, and how often a repetition was requested."""

    key: str
    again: int = 0


STRESS = RecordKind("stress", Owner.VARIANT, StressRecord)


def read_record(repositories: Repositories, variant_id: str) -> StressRecord | None:
    """Return the record, None if the version was never put under stress."""
    return repositories.records.get(STRESS, variant_id)


def save_stress(repositories: Repositories, variant_id: str, key: str, again: int) -> None:
    """Store the newest findings about a version in place of earlier ones."""
    repositories.records.put(STRESS, variant_id, StressRecord(key=key, again=again))


def read_stress(
    repositories: Repositories, artifacts: ArtifactStore, variant_ids: Iterable[str]
) -> Mapping[str, StressResult]:
    """Return findings by version id, as far as the store still holds them."""
    found = {}
    for variant_id, record in repositories.records.by_owner(STRESS, variant_ids).items():
        entry = artifacts.peek(record.key)
        if entry is not None:
            try:
                found[variant_id] = StressResult.model_validate(entry.result)
            except ValidationError:  # written by another program version
                continue
    return found
