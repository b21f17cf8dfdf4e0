"""Define the values of a table."""

from dataclasses import dataclass

from widgets.parts.small import TagKind
from widgets.parts.text import Tone


@dataclass(frozen=True)
class Column:
    """A column; `stretch` takes the spare width, `right` aligns figures at the right."""

    title: str
    right: bool = False
    stretch: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: a text, a tag if `tag` is set, with an icon before it if `icon` is set.

    `below` is a second, softer line. `tip` is added to the tooltip and the text for screen readers.
    """

    text: str
    tag: TagKind | None = None
    tone: Tone = ""
    icon: str = ""
    strong: bool = False
    below: str = ""
    tip: str = ""


@dataclass(frozen=True)
class TableRow:
    """A row; `details` are (caption, value) pairs that open below it when it is chosen."""

    id: str
    cells: tuple[Cell, ...]
    details: tuple[tuple[str, str], ...] = ()
