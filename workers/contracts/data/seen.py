"""Contract of objects that a detector finds in a shown picture."""

from pydantic import Field

from workers.contracts.base import Frozen


class SeenBox(Frozen):
    """One object in a picture: its class `name`, `score` 0..1, and box in shares of the picture."""

    name: str
    score: float
    box: tuple[float, float, float, float] = Field(description="left, top, right, bottom")
