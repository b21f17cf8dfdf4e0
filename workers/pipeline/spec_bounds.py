"""Define bounds of values in `pipeline.json` as annotations that pydantic understands, without importing pydantic."""

import typing
from dataclasses import dataclass
from typing import Annotated, Any


class Bounds:
    """Bounds of a number or of a length, by pydantic's names (`ge`, `gt`, `le`, `lt`, `min_length`, `max_length`)."""

    def __init__(self, **bounds: float) -> None:
        """Create bounds from pydantic's names and their values."""
        self._bounds = bounds

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        """Add the bounds to the schema of the value; pydantic calls this."""
        return {**handler(source), **self._bounds}


class ByKind:
    """A union of parts with the required discriminator `kind`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        """Return the schema of a union with a discriminator; pydantic calls this."""
        choices = {part.kind: handler(part) for part in typing.get_args(source)}
        return {"type": "tagged-union", "discriminator": "kind", "choices": choices}


@dataclass(frozen=True)
class Part:
    """Base of all parts of the description: pydantic refuses unknown fields, infinite numbers and NaN in it."""

    __pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}


MAX_SIDE_PX, MAX_SAMPLES = 16_384, 10_000_000
"""Limits of a description, which may be untrusted, before anything of that size is allocated."""
Side = Annotated[int, Bounds(ge=1, le=MAX_SIDE_PX)]
Samples = Annotated[int, Bounds(ge=0, le=MAX_SAMPLES)]
Length = Annotated[int, Bounds(ge=0, lt=2**63)]
Count = Annotated[int, Bounds(ge=0)]
Positive = Annotated[int, Bounds(ge=1)]
Share = Annotated[float, Bounds(gt=0, lt=1)]
MOST_IN_A_ROW = 64
"""Numbers of a row that are shown and typed as text, and whose columns are known by name."""
Columns = Annotated[tuple[str, ...], Bounds(max_length=MOST_IN_A_ROW)]
