"""Let one program at a time use a data folder, with a lock that ends with its process and no port or socket."""

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, Self

from app.filelock import try_lock, unlock
from app.paths import OTHER_FOLDER, DataFolderUnusable, DataPaths, prepare, unusable
from workers.contracts.errors import BackendMissing
from workers.contracts.translation import _, mark

MAX_HOLDER_BYTES = 4096
LOOK_S = 0.02
"""Pause before the second attempt, in seconds. A program that only checks the lock holds it for much less time."""


@dataclass(frozen=True)
class Holder:
    """The program that holds the data folder. `started_at` is ISO 8601 in UTC."""

    pid: int
    kind: Literal["window", "command"]
    title: str
    started_at: str

    @property
    def words(self) -> str:
        """Return the holder as text, such as ``Fettle's window (process 4711)``."""
        return _("{0} (process {1})").format(_(self.title), self.pid)


class DataFolderBusy(BackendMissing):
    """Another program holds the data folder; `holder` is None until that program has written its entry."""

    def __init__(self, paths: DataPaths, holder: Holder | None) -> None:
        """Create the error for the data folder `paths`."""
        who = holder.words if holder else _("another program")
        hint = mark("Wait until it has finished. Commands that only read go on working.")
        if holder is not None and holder.kind == "window":
            hint = mark("Close that window and try again. Commands that only read go on working.")
        super().__init__(
            "data_folder_busy",
            "Another program is using Fettle's data folder",
            _("{0} holds {1}. Nothing was changed.").format(who, paths.root),
            hint,
            by_command=OTHER_FOLDER,
        )
        self.holder = holder


class InstanceLock:
    """The lock of a data folder, owned by the program that took it until `release` or the end of the process."""

    def __init__(self, paths: DataPaths, handle: int, holder: Holder) -> None:
        """Wrap a locked file `handle`; use `take` to create a lock."""
        self.paths, self.holder = paths, holder
        self._handle: int | None = handle

    @classmethod
    def take(cls, paths: DataPaths, kind: Literal["window", "command"], title: str) -> Self:
        """Create the data folder if it is missing and lock it, without waiting.

        Raises:
            DataFolderBusy: if another program holds the lock.
            DataFolderUnusable: if the folder cannot be written.
        """
        prepare(paths)
        try:
            handle = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(paths.lock, error) from error
        try:
            if not _lock(paths, handle):
                time.sleep(LOOK_S)
                if not _lock(paths, handle):
                    raise DataFolderBusy(paths, wait_for_holder(paths, 0.3))
            holder = Holder(os.getpid(), kind, title, datetime.now(UTC).isoformat(timespec="seconds"))
            _write_holder(paths, handle, holder)
        except BaseException:
            os.close(handle)
            raise
        return cls(paths, handle, holder)

    def release(self) -> None:
        """Release the data folder and keep the file: otherwise two programs could lock two files of one name."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with contextlib.suppress(OSError):  # a full or vanished disk must not prevent the end of the program
                os.ftruncate(handle, 0)
                unlock(handle)
            os.close(handle)

    def __enter__(self) -> Self:
        """Return the lock itself."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Release the lock."""
        self.release()


def holder_of(paths: DataPaths) -> Holder | None:
    """Return the entry of the last holder, valid only while the lock is taken; None if it cannot be read."""
    try:
        with paths.lock.open("rb") as file:
            facts = json.loads(file.read(MAX_HOLDER_BYTES))
        return Holder(int(facts["pid"]), facts["kind"], str(facts["title"]), str(facts["started_at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def wait_for_holder(paths: DataPaths, timeout_s: float = 1.0) -> Holder | None:
    """Return the holder like `holder_of`, but wait until a starting program has written its entry."""
    deadline = time.monotonic() + timeout_s
    while (holder := holder_of(paths)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return holder


def is_held(paths: DataPaths) -> bool:
    """Return whether a program holds the data folder, without writing; True if this cannot be determined."""
    try:
        handle = os.open(paths.lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not try_lock(handle)  # closing releases the lock at once; `take` tries twice because of this short hold
    except OSError:
        return True
    finally:
        os.close(handle)


def _lock(paths: DataPaths, handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError as error:
        detail = _("The disk of {0} knows no file locks ({1}), so two programs could collide.").format(
            paths.root, error.strerror
        )
        raise DataFolderUnusable(paths.lock, detail, mark("Keep the data folder on another disk.")) from error


def _write_holder(paths: DataPaths, handle: int, holder: Holder) -> None:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(asdict(holder)).encode())
    except OSError as error:
        raise unusable(paths.lock, error) from error
