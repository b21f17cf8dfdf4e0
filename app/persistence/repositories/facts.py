"""Store values by name for all projects, and the origins of stored artifacts."""

import json
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from app.domain.artifact import ArtifactRecord
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection, Repository
from app.persistence.tables import ArtifactRow, SettingRow

T = TypeVar("T", bound=BaseModel)


class RememberedValues:
    """Values by key for all projects, such as the description of the computer.

    A person's settings are in settings.json (app.settings); values of a project, run or version are in `Records`.
    """

    def __init__(self, connection: Connection) -> None:
        """Create access to the values on `connection`."""
        self._connection = connection

    def get(self, key: str) -> JsonValue:
        """Return a value, None if there is none."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
            return json.loads(row.value_json) if row is not None else None

    def read(self, key: str, shape: type[T]) -> T | None:
        """Return a value in its type, None if there is none or if it cannot be read."""
        try:
            kept = self.get(key)
            return None if kept is None else shape.model_validate(kept)
        except ValueError:
            return None

    def put(self, key: str, value: JsonValue) -> None:
        """Store a value in place of the earlier one."""
        with self._connection.transaction() as session:
            session.merge(SettingRow(key=key, value_json=json.dumps(value)))

    def delete(self, key: str) -> None:
        """Delete a value; a missing one is ignored."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
            if row is not None:
                session.delete(row)


class Artifacts(Repository[ArtifactRecord, ArtifactRow]):
    """Origins of artifacts; the id is the key in the content-addressed store, so its content never changes."""

    rows = DocumentMap(ArtifactRecord, ArtifactRow)
