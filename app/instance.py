"""One program at a time on a data folder, without a port or a socket: a lock that dies with its process."""

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

from app.filelock import try_lock, unlock
from app.paths import DataFolderUnusable, DataPaths, prepare, unusable
from workers.contracts.errors import BackendMissing

MAX_HOLDER_BYTES = 4096
LOOK_S = 0.02
"""A program that only looks whether the folder is taken has the lock for much less."""


@dataclass(frozen=True)
class Holder:
    """The program that has the data folder. `started_at` is ISO 8601 in UTC."""

    pid: int
    kind: Literal["window", "command"]
    title: str
    started_at: str

    @property
    def words(self) -> str:
        """``Fettle's window (process 4711)``"""
        return f"{self.title} (process {self.pid})"


class DataFolderBusy(BackendMissing):
    """Another program holds the data folder; `holder` is None between its start and its entry."""

    def __init__(self, paths: DataPaths, holder: Holder | None) -> None:
        who = holder.words if holder else "another program"
        window = holder is not None and holder.kind == "window"
        hint = "Close that window and try again" if window else "Wait until it has finished"
        super().__init__(
            "data_folder_busy",
            "Another program is using Fettle's data folder",
            f"{who} holds {paths.root}. Nothing was changed.",
            f"{hint}, or name another folder with --data-dir. Commands that only read go on working.",
        )
        self.holder = holder


class InstanceLock:
    """Held from `take` to `release`, or until the process ends."""

    def __init__(self, paths: DataPaths, handle: int, holder: Holder) -> None:
        self.paths, self.holder = paths, holder
        self._handle: int | None = handle

    @classmethod
    def take(cls, paths: DataPaths, kind: Literal["window", "command"], title: str) -> Self:
        """Make the folder if need be and take it, without waiting.

        Raises `DataFolderBusy`, or `DataFolderUnusable` where it cannot be written.
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
        """Give the folder free. The file stays: without it two programs could lock two files of one name."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            with contextlib.suppress(OSError):  # a full or vanished disk must not keep the program from ending
                os.ftruncate(handle, 0)
                unlock(handle)
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder_of(paths: DataPaths) -> Holder | None:
    """What the last holder wrote; true only while the lock is taken. None when it cannot be read."""
    try:
        with paths.lock.open("rb") as file:
            facts = json.loads(file.read(MAX_HOLDER_BYTES))
        return Holder(int(facts["pid"]), facts["kind"], str(facts["title"]), str(facts["started_at"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def wait_for_holder(paths: DataPaths, timeout_s: float = 1.0) -> Holder | None:
    """As `holder_of`, for a program that is just starting: looks again until it has written its entry."""
    deadline = time.monotonic() + timeout_s
    while (holder := holder_of(paths)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return holder


def is_held(paths: DataPaths) -> bool:
    """Whether a program has the data folder now, found out without writing. True where that cannot be told."""
    try:
        handle = os.open(paths.lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return not try_lock(handle)  # closing gives it back at once; `take` looks twice for that reason
    except OSError:
        return True
    finally:
        os.close(handle)


def _lock(paths: DataPaths, handle: int) -> bool:
    try:
        return try_lock(handle)
    except OSError as error:
        detail = f"The disk of {paths.root} knows no file locks ({error.strerror}), so two programs could collide."
        raise DataFolderUnusable(paths.lock, detail, "Name a folder on another disk with --data-dir.") from error


def _write_holder(paths: DataPaths, handle: int, holder: Holder) -> None:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps(asdict(holder)).encode())
    except OSError as error:
        raise unusable(paths.lock, error) from error
