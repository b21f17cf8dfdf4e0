"""What the page Chat shows."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["original", "optimized"]


@dataclass(frozen=True)
class ChatValue:
    """`versions` are (id, title) of what may stand beside the original; `chosen` is one of them."""

    versions: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True)
class HowValue:
    """How answers are made: `temperature` 0 takes the likeliest word each time, above 0 the `seed` counts. `system` is
    what both are told before the dialogue, "" for nothing.
    """

    temperature: float = 0.0
    seed: int = 0
    max_new_tokens: int = 256
    system: str = ""
