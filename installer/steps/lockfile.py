"""Read the pinned locks: one requirement per line, with its sizes in a comment."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SIZES = re.compile(r"download (\d+) installed (\d+)")
_VERSION = re.compile(r"==([^\s;]+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Pin:
    """One line of a lock: `requirement` is passed to pip, the sizes in bytes were measured for the lock.

    Of a package that pip will install, `is_local` says that its wheel lies on this disk; its sizes are not known.
    """

    name: str
    requirement: str
    download_bytes: int = 0
    installed_bytes: int = 0
    is_local: bool = False

    @property
    def version(self) -> str:
        """Return the exact version of the requirement; "" for a range."""
        found = _VERSION.search(self.requirement)
        return found[1] if found else ""


def totals(pins: Iterable[Pin]) -> tuple[int, int]:
    """Return (bytes to download, bytes on disk) of pins."""
    found = list(pins)
    return sum(pin.download_bytes for pin in found), sum(pin.installed_bytes for pin in found)


def normalized(name: str) -> str:
    """Return the normalized spelling of a package name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def parse(text: str) -> list[Pin]:
    """Return the pins of a lock's text in its order.

    Raises:
        ValueError: if a line is not a requirement.
    """
    pins = []
    for line in text.splitlines():
        requirement, _, comment = line.partition("#")
        if not requirement.strip():
            continue
        name = _NAME.match(requirement)
        if name is None:
            raise ValueError(f"not a requirement: {line!r}")
        sizes = _SIZES.search(comment)
        download, installed = (int(sizes[1]), int(sizes[2])) if sizes else (0, 0)
        pins.append(Pin(normalized(name[0]), requirement.strip(), download, installed))
    return pins


def read(paths: list[Path]) -> list[Pin]:
    """Return the pins of all files, in the order of the files."""
    return [pin for path in paths for pin in parse(path.read_text(encoding="utf-8"))]
