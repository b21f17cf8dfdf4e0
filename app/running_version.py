"""Tell other processes which version of an installed program runs, so that none of them deletes its files."""

import contextlib
import os
from pathlib import Path

from app.filelock import try_share

_held: list[int] = []


def hold() -> None:
    """Lock the version that the launcher started until this process ends; does nothing in a clone."""
    root, version = os.environ.get("FETTLE_ROOT"), os.environ.get("FETTLE_VERSION")
    if root and version:
        with contextlib.suppress(OSError):  # the version still works without its lock
            handle = os.open(Path(root, "versions", version, "payload.json"), os.O_RDONLY)
            try_share(handle)
            _held.append(handle)
