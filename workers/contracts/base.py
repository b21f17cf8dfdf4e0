"""Base class of all messages, specifications and results that cross a process or file boundary."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Row = TypeVar("Row")


class Frozen(BaseModel):
    """Immutable model that refuses unknown fields, so that a spelling mistake is an error and not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Nothing(Frozen):
    """Parameters of a job that has none, or the result of a job that only sends messages."""


class Rows(Frozen, Generic[Row]):
    """Parameters or result of a job that are a list of records."""

    rows: tuple[Row, ...]
