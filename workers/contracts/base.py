"""The one base of every message, specification and result that crosses a process or a file boundary."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable, refuses unknown fields, so that a spelling mistake is an error and not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
