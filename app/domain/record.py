"""Declare the kinds of records that are stored for a project, a run or a version."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

T = TypeVar("T", bound=BaseModel)
FileName = Annotated[str, Field(pattern=r"^[^./\\:\x00][^/\\:\x00]*$")]
"""An id or a key that names a file or folder; in the database of a stranger it could lead out of the data folder."""
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
"""A time that every zone can show: with year 9999, adding a few hours fails."""


def parsed(kind: type[T], text: str | None) -> T | None:
    """Return a document inside a record, None without one or if it is damaged or of another version."""
    try:
        return kind.model_validate_json(text or "")
    except ValidationError:
        return None


@dataclass(frozen=True)
class Stored:
    """Base of dataclasses that the database stores as JSON documents.

    A new field needs a default value, with which older documents are read. A document with an unknown field is refused:
    a newer program version wrote it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", revalidate_instances="always")


class Owner(StrEnum):
    """The kind of object that a record belongs to and is deleted with."""

    PROJECT = "project"
    RUN = "run"
    VARIANT = "variant"


@dataclass(frozen=True)
class RecordKind(Generic[T]):
    """One kind of record; its declaration is owned by the module that reads and writes it.

    `name` is its permanent name in the database. A record of type `shape` is stored once per owner, or per item of it.
    """

    name: str
    owner: Owner
    shape: type[T]
