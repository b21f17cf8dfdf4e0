"""What is kept beside a project, a run or a version: one kind of record is one declaration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Stored:
    """Base of dataclasses that the database keeps as JSON documents.

    A new field needs a default value, which older documents are read with. A document with a field that the class lacks
    is refused: a newer version of the program wrote it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", revalidate_instances="always")


class Owner(StrEnum):
    """What a record belongs to, and is deleted with."""

    PROJECT = "project"
    RUN = "run"
    VARIANT = "variant"


@dataclass(frozen=True)
class RecordKind(Generic[T]):
    """`name` is what the database calls it, for good; `shape` is kept once for an owner, or for each of its items."""

    name: str
    owner: Owner
    shape: type[T]
