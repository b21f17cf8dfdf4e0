"""What pages show of an optional set of packages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InstallingValue:
    """The installer at work: its last line, `share` 0..1 of its stage or None, and how long it has worked."""

    title: str
    line: str
    share: float | None
    elapsed: str
    is_stopping: bool = False


@dataclass(frozen=True)
class SetValue:
    """A set that is not installed: its download in bytes, None until it is known, and the installation in progress."""

    name: str
    download_bytes: int | None = None
    installing: InstallingValue | None = None
