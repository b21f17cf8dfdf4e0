"""Define the values of the page Chat."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["original", "optimized"]


@dataclass(frozen=True)
class ChatValue:
    """The page's value: `versions` are (id, title) of the versions that can chat; `chosen` is one of them."""

    versions: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True)
class HowValue:
    """The sampling of replies: `temperature` 0 takes the likeliest word each time, above 0 the `seed` applies.

    `system` is the system prompt for both versions, "" for none.
    """

    temperature: float = 0.0
    seed: int = 0
    max_new_tokens: int = 256
    system: str = ""
