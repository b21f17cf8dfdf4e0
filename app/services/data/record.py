"""The record of where a project's examples come from: kept for the data that they are, not for any others."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from app.persistence import Repositories
from workers.contracts.data.record import DataRecord

EMPTY = DataRecord()


def read_record(repositories: Repositories, project_id: str, data_path: str | None) -> DataRecord:
    """What was answered for these data; nothing for others, or where the record is another version's."""
    kept = repositories.settings.get(_key(project_id))
    if not data_path or not isinstance(kept, dict):
        return EMPTY
    try:
        return DataRecord.model_validate(kept.get(data_path, {}))
    except ValidationError:
        return EMPTY


def write_record(repositories: Repositories, project_id: str, data_path: str, record: DataRecord) -> DataRecord:
    """Keep the answers, with the moment and the data's name; those for other data of the project stay."""
    kept = repositories.settings.get(_key(project_id))
    dated = record.model_copy(
        update={"answered_at": datetime.now(UTC).isoformat(timespec="seconds"), "data": Path(data_path).name}
    )
    others = kept if isinstance(kept, dict) else {}
    repositories.settings.put(_key(project_id), {**others, data_path: dated.model_dump(mode="json")})
    return dated


def _key(project_id: str) -> str:
    return f"data-record:{project_id}"
