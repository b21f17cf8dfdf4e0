"""The record of where a project's examples come from: kept for the data that they are, not for any others."""

from datetime import UTC, datetime
from pathlib import Path

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.data.record import DataRecord

EMPTY = DataRecord()
DATA_RECORD = RecordKind("data-record", Owner.PROJECT, DataRecord)
"""One for each path of data."""


def read_record(repositories: Repositories, project_id: str, data_path: str | None) -> DataRecord:
    """What was answered for these data; nothing for others."""
    return (repositories.records.get(DATA_RECORD, project_id, data_path) if data_path else None) or EMPTY


def write_record(repositories: Repositories, project_id: str, data_path: str, record: DataRecord) -> DataRecord:
    """Keep the answers, with the moment and the data's name; those for other data of the project stay."""
    dated = record.model_copy(
        update={"answered_at": datetime.now(UTC).isoformat(timespec="seconds"), "data": Path(data_path).name}
    )
    repositories.records.put(DATA_RECORD, project_id, dated, data_path)
    return dated
