"""Name the examples of each kind: pictures, texts, sounds, inputs."""

from typing import Literal

from workers.contracts.translation import _

DataKind = Literal["images", "texts", "arrays", "audio"]


def plural(kind: DataKind) -> str:
    """Return the plural noun."""
    words = {"images": _("pictures"), "texts": _("texts"), "audio": _("sounds"), "arrays": _("inputs")}
    return words[kind]


def counted(kind: DataKind, number: int) -> str:
    """Return a count with its noun: 1 picture; 2,200 pictures."""
    ones = {"images": _("picture"), "texts": _("text"), "audio": _("sound"), "arrays": _("input")}
    return f"{number:,} {ones[kind] if number == 1 else plural(kind)}"
