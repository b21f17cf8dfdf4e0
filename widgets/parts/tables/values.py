"""What a table is given."""

from dataclasses import dataclass

from widgets.parts.small import TagKind
from widgets.parts.text import Tone


@dataclass(frozen=True)
class Column:
    """`stretch`: it takes the spare width. Figures stand at the right."""

    title: str
    right: bool = False
    stretch: bool = False


@dataclass(frozen=True)
class Cell:
    """A text, as a tag where `tag` is set, with an icon before it where `icon` is; `below` is a second, softer line.

    `tip` is added to what the pointer and screen readers are told.
    """

    text: str
    tag: TagKind | None = None
    tone: Tone = ""
    icon: str = ""
    strong: bool = False
    below: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Row:
    """`details` are (caption, value) pairs that open below the chosen row."""

    id: str
    cells: tuple[Cell, ...]
    details: tuple[tuple[str, str], ...] = ()
