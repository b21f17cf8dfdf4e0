"""Name the examples of each kind: pictures, texts, sounds, inputs."""

from typing import Literal

from PySide6.QtCore import QCoreApplication

DataKind = Literal["images", "texts", "arrays", "audio"]


def _tr(text: str) -> str:
    return QCoreApplication.translate("nouns", text)


def plural(kind: DataKind) -> str:
    """Return the plural noun."""
    words = {"images": _tr("pictures"), "texts": _tr("texts"), "audio": _tr("sounds"), "arrays": _tr("inputs")}
    return words[kind]


def counted(kind: DataKind, number: int) -> str:
    """Return a count with its noun: 1 picture; 2,200 pictures."""
    ones = {"images": _tr("picture"), "texts": _tr("text"), "audio": _tr("sound"), "arrays": _tr("input")}
    return f"{number:,} {ones[kind] if number == 1 else plural(kind)}"
