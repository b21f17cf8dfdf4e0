"""What was found under stress about a run's versions: which entries of the store hold it, kept beside the run."""

from collections.abc import Mapping

from pydantic import ValidationError

from app.persistence import Repositories
from app.services.flow.artifacts import ArtifactStore
from workers.contracts.base import Frozen
from workers.contracts.stress import StressResult


class StressRecord(Frozen):
    """The key of the newest findings by the version's id, and how often it was asked to be tried again."""

    keys: dict[str, str] = {}
    again: dict[str, int] = {}


def read_record(repositories: Repositories, run_id: str) -> StressRecord:
    """Nothing where the record is one of another version of the program."""
    kept = repositories.settings.get(_name(run_id))
    try:
        return StressRecord() if kept is None else StressRecord.model_validate(kept)
    except ValidationError:
        return StressRecord()


def keep_stress(repositories: Repositories, run_id: str, variant_id: str, key: str, again: int) -> None:
    """The newest findings about a version stand in place of those before."""
    before = read_record(repositories, run_id)
    now = StressRecord(keys={**before.keys, variant_id: key}, again={**before.again, variant_id: again})
    repositories.settings.put(_name(run_id), now.model_dump(mode="json"))


def read_stress(repositories: Repositories, artifacts: ArtifactStore, run_id: str) -> Mapping[str, StressResult]:
    """Findings by the version's id, as far as the store still holds them."""
    found = {}
    for variant_id, key in read_record(repositories, run_id).keys.items():
        entry = artifacts.peek(key)
        if entry is not None:
            try:
                found[variant_id] = StressResult.model_validate(entry.result)
            except ValidationError:  # found by another version of the program
                continue
    return found


def _name(run_id: str) -> str:
    return f"stress:{run_id}"
