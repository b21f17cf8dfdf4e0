"""Convert the domain's frozen dataclasses to table rows and back."""

import json
from dataclasses import fields
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from app.domain.record import Stored
from app.persistence.errors import UnreadableRecord
from app.persistence.tables import DocumentRow
from workers.contracts.text import WHOLE

D = TypeVar("D", bound=Stored)
R = TypeVar("R", bound=DocumentRow)
UNKNOWN_FIELD = ("unexpected_keyword_argument", "extra_forbidden")
"""Error types of pydantic for a field that the class lacks."""


class DocumentMap(Generic[D, R]):
    """Conversion between one dataclass and the rows of its table in both directions; owned by a repository.

    A field that has a column of its name is stored there alone; the body holds all others. A column may also hold a
    property of the record, for queries.
    """

    def __init__(self, record_type: type[D], table: type[R]) -> None:
        """Pair the dataclass with its table."""
        self._record_type, self.table = record_type, table
        names, columns = {field.name for field in fields(record_type)}, set(table.__table__.columns.keys())
        self._columns = names & columns
        self._properties = {name for name in columns - names if hasattr(record_type, name)}

    @cached_property
    def _adapter(self) -> TypeAdapter[D]:
        return TypeAdapter(self._record_type)

    def values(self, record: D) -> dict[str, Any]:
        """Return the value of each column; raise ValidationError for a record that could not be read back."""
        valid = self._adapter.validate_python(record)
        body = self._adapter.dump_python(valid, mode="json", exclude=self._columns, context=WHOLE)
        columns = {name: getattr(record, name) for name in self._columns | self._properties}
        return columns | {"body_json": json.dumps(body)}

    def record(self, row: R) -> D:
        """Return the record of one row; raises `UnreadableRecord`."""
        columns = {name: getattr(row, name) for name in self._columns}
        try:
            return self._adapter.validate_python({**json.loads(row.body_json), **columns})
        except ValidationError as error:
            is_newer = any(one["type"] in UNKNOWN_FIELD for one in error.errors(include_input=False))
            raise UnreadableRecord(self.table.__tablename__, is_newer) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise UnreadableRecord(self.table.__tablename__) from error
