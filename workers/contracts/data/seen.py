"""What a detector finds in a picture that is shown."""

from pydantic import Field

from workers.contracts.base import Frozen


class SeenBox(Frozen):
    """`name` is its class, `score` 0..1; left, top, right, bottom are shares of the picture."""

    name: str
    score: float
    box: tuple[float, float, float, float] = Field(description="left, top, right, bottom")
