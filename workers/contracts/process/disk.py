"""Recognize and report a full disk: the folder, the free space and the needed space."""

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from workers.contracts.errors import WorkerError
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, joined, mark

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers: the disk is full, or this account may use no more of it."""

NO_ROOM_TEXT = re.compile(
    r"no space left on device|disk quota exceeded|os error (28|122)\b|errno (28|122)\b"
    r"|not enough space on the disk|disk (is )?full",
    re.IGNORECASE,
)
"""Messages of libraries that raise exceptions of their own for a full disk."""

DISK_FULL = "disk_full"
"""Code of every error that reports a full disk."""

PROBE_BYTES = 1 << 16
SAFE = mark("What was stored before is safe.")
FREE_SPACE = mark("Free disk space in the settings and start again, or use a data folder on another disk.")
OTHER_FOLDER = "fettle store free, or another folder with --data-dir FOLDER or FETTLE_HOME"
"""The hint for the command line."""


class DiskFull(WorkerError):
    """Error: there is no room in `folder`."""

    exit_code = 6

    def __init__(
        self,
        folder: Path,
        *,
        needed_bytes: int | None = None,
        written_bytes: int | None = None,
        free_bytes: int | None = None,
        safe: str = SAFE,
        hint: str = FREE_SPACE,
    ) -> None:
        """Create the error for a folder; sizes are in bytes and None if unknown.

        Args:
            folder: Folder that was written to.
            needed_bytes: Size of the data that had to fit.
            written_bytes: Size of the part that is already written.
            free_bytes: Free space; None measures it now.
            safe: Sentence about the data that is safe.
            hint: What to do next.
        """
        self.folder = folder
        free = free_in(folder) if free_bytes is None else free_bytes
        parts = [_("{0} are free").format(bytes_words(free))] if free is not None else []
        if needed_bytes is not None:
            parts.append(_("{0} are needed").format(bytes_words(needed_bytes)))
        elif written_bytes:
            parts.append(_("this step needs more than the {0} that it had written").format(bytes_words(written_bytes)))
        full = _("The disk that holds {0} is full ({1}).") if parts else _("The disk that holds {0} is full.")
        super().__init__(
            DISK_FULL,
            mark("The disk is full"),
            joined([full.format(folder, joined(parts, ", ")), _(safe)]),
            hint,
            by_command=OTHER_FOLDER,
        )


def free_in(folder: Path) -> int | None:
    """Return the bytes this account may write to a folder or its nearest existing parent; None if unknown."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def is_full(folder: Path) -> bool:
    """Return whether a few kilobytes more do not fit.

    A file is written to find out, since the free space of a disk may exceed the account's quota.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, prefix=".fettle-probe-") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in NO_ROOM
    return False


def file_sizes(folder: Path) -> list[int]:
    """Return the sizes in bytes of all accessible files below a folder."""
    sizes = []
    for place, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append((Path(place) / name).lstat().st_size)
    return sizes


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def lacks_room(error: BaseException) -> bool:
    """Return whether a full disk caused this error."""
    return any(
        (isinstance(one, OSError) and one.errno in NO_ROOM)
        or (not isinstance(one, WorkerError) and NO_ROOM_TEXT.search(str(one)) is not None)
        for one in chain_of(error)
    )
