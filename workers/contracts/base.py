"""Base class of all messages, specifications and results that cross a process or file boundary."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable model that refuses unknown fields, so that a spelling mistake is an error and not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
