"""Name the examples of each kind: pictures, texts, sounds, inputs."""

from typing import Literal

from workers.contracts.translation import _, ngettext

DataKind = Literal["images", "texts", "arrays", "audio"]


def plural(kind: DataKind) -> str:
    """Return the plural noun."""
    words = {"images": _("pictures"), "texts": _("texts"), "audio": _("sounds"), "arrays": _("inputs")}
    return words[kind]


def counted(kind: DataKind, number: int) -> str:
    """Return a count with its noun: 1 picture; 2,200 pictures."""
    texts = {
        "images": ngettext("{0:,} picture", "{0:,} pictures", number),
        "texts": ngettext("{0:,} text", "{0:,} texts", number),
        "audio": ngettext("{0:,} sound", "{0:,} sounds", number),
        "arrays": ngettext("{0:,} input", "{0:,} inputs", number),
    }
    return texts[kind].format(number)
