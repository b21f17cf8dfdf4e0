"""Define the value of the page "Under stress"."""

from dataclasses import dataclass
from pathlib import Path

from widgets.parts.nouns import DataKind
from workers.contracts.after.stress import StressResult


@dataclass(frozen=True)
class StressValue:
    """The page's value: `versions` are (id, title), `result` is None before a test; `folder` holds its pictures."""

    kind: DataKind
    versions: tuple[tuple[str, str], ...]
    chosen: str
    result: StressResult | None = None
    folder: Path = Path()
