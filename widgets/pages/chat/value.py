"""Define the values of the page Chat."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["original", "optimized"]


@dataclass(frozen=True)
class ChatValue:
    """The page's value: `versions` are (id, title) of the versions that can chat; `chosen` is one of them."""

    versions: tuple[tuple[str, str], ...]
    chosen: str
