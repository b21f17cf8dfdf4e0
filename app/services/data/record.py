"""Store the record of a project's data source, separately for each path of data."""

from datetime import UTC, datetime
from pathlib import Path

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.data.record import DataRecord

EMPTY = DataRecord()
DATA_RECORD = RecordKind("data-record", Owner.PROJECT, DataRecord)
"""Kind of the records, one per path of data."""


def read_record(repositories: Repositories, project_id: str, data_path: str | None) -> DataRecord:
    """Return the record for these data, empty if there is none."""
    return (repositories.records.get(DATA_RECORD, project_id, data_path) if data_path else None) or EMPTY


def write_record(repositories: Repositories, project_id: str, data_path: str, record: DataRecord) -> DataRecord:
    """Store the record with the time and the data's name; records for other data of the project stay."""
    dated = record.model_copy(
        update={"answered_at": datetime.now(UTC).isoformat(timespec="seconds"), "data": Path(data_path).name}
    )
    repositories.records.put(DATA_RECORD, project_id, dated, data_path)
    return dated
