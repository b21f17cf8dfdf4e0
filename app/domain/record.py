"""What is kept beside a project, a run or a version: one kind of record is one declaration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)


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
