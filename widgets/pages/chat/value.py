"""Define the values of the page Chat."""

from typing import Literal

Side = Literal["original", "optimized"]
Versions = tuple[tuple[str, str], ...]
"""Id and title of the versions that can chat."""
