"""What the program remembers by name for all projects, and where stored artifacts came from."""

import json
from typing import TypeVar

from pydantic import BaseModel, JsonValue

from app.domain.artifact import ArtifactRecord
from app.persistence.documents import DocumentMap
from app.persistence.repositories.base import Connection, Repository
from app.persistence.tables import ArtifactRow, SettingRow

T = TypeVar("T", bound=BaseModel)


class RememberedValues:
    """Values by key, such as what `describe` found. What a person sets lies in settings.json (app.settings), what
    belongs to a project, a run or a version in `Records`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> JsonValue:
        """The value, None if there is none."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
            return json.loads(row.value_json) if row is not None else None

    def read(self, key: str, shape: type[T]) -> T | None:
        """The value as what it is, None if there is none, or one that cannot be read."""
        try:
            kept = self.get(key)
            return None if kept is None else shape.model_validate(kept)
        except ValueError:
            return None

    def put(self, key: str, value: JsonValue) -> None:
        """Keep it in place of what was there."""
        with self._connection.transaction() as session:
            session.merge(SettingRow(key=key, value_json=json.dumps(value)))

    def delete(self, key: str) -> None:
        """Forget it."""
        with self._connection.transaction() as session:
            row = session.get(SettingRow, key)
            if row is not None:
                session.delete(row)


class Artifacts(Repository[ArtifactRecord, ArtifactRow]):
    """The key is the place in the content-addressed store, so that an id never changes its content."""

    rows = DocumentMap(ArtifactRecord, ArtifactRow)
