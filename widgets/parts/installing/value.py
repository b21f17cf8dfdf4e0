"""Define the values that pages show of an optional set of packages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InstallingValue:
    """A running installation: its last line, `share` 0..1 of its stage or None, and its elapsed time as text."""

    line: str
    share: float | None
    elapsed: str
    is_stopping: bool = False


@dataclass(frozen=True)
class SetValue:
    """A set: its download in bytes, None until it is known or for none, and its running installation or removal.

    `used_bytes` is what its folder and an interrupted download use; 0 for a set that Fettle's own installation holds.
    """

    name: str
    download_bytes: int | None = None
    installing: InstallingValue | None = None
    is_there: bool = False
    used_bytes: int = 0
