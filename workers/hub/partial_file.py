"""Store one file during its download, under its own name in the folder of the download, with its growing digest."""

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from workers.contracts.hub import HubFile, OriginFile
from workers.contracts.process.disk import NO_ROOM, DiskFull
from workers.hub.words import hub_error
from workers.model_io.words import shown

READ_BYTES = 1 << 20
PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags that follow no link and, on Windows, change no byte."""
GIVEN_BACK_BYTES = 1 << 20


class PartialFile:
    """A file during its download, written by one thread.

    Attributes:
        size: Bytes that are here and counted in the digest.
        resumed: Bytes that an earlier attempt left.
        fetched: Bytes that came over the network.
        is_patched: The bytes are of several transfers.
    """

    def __init__(self, place: Path, file: HubFile, check: Callable[[], None]) -> None:
        """Name the file's path below `place`; `check` is called after each block and raises to stop the work."""
        self.file, self._check = file, check
        self._path = place.joinpath("files", *file.name.split("/"))
        self._older = place / "pieces" / f"{hashlib.sha256(file.name.encode()).hexdigest()[:32]}.part"
        self._handle: int | None = None
        self.resumed = self.fetched = 0
        self._reset()

    def _reset(self) -> None:
        self.size, self.is_patched = 0, False
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % self.file.size_bytes, usedforsecurity=False)

    def resume(self) -> None:
        """Continue with the bytes that are here; a damaged file, a longer one, or a link is removed."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._older.is_file() and not self._path.exists():  # of Fettle 0.2
            self._older.replace(self._path)
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | PLAIN), "rb") as file:
                found = os.fstat(file.fileno())
                is_good = stat.S_ISREG(found.st_mode) and found.st_size <= self.file.size_bytes
                while is_good and (data := file.read(READ_BYTES)):
                    self._add(data)
        except OSError:
            is_good = False
        self.resumed = self.size
        is_whole = self.size == self.file.size_bytes
        if not is_good or (is_whole and not self._is_right()) or (not is_whole and found.st_nlink > 1):
            self.discard()

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            WorkerError: there is no room, or more bytes come than the file has.
        """
        if self.size + len(data) > self.file.size_bytes:
            expected, sent = self.file.size_bytes, self.size + len(data)
            self.discard()
            raise hub_error("hub_wrong_length", name=self.file.name, expected=expected, sent=sent)
        if self._handle is None:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | PLAIN, 0o600)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            # the database needs room to record this failure, so some is freed
            kept = max(0, self.size - GIVEN_BACK_BYTES)
            os.ftruncate(self._handle, kept)
            self.close()
            if error.errno in NO_ROOM:
                raise DiskFull(
                    self._path.parent,
                    needed_bytes=self.file.size_bytes - kept,
                    safe=f"The downloaded part of “{shown(self.file.name)}” is kept.",
                    hint="Free disk space in the settings, then download again: it goes on from there.",
                ) from error
            raise
        self.fetched += len(data)
        self._add(data)

    def finish(self) -> OriginFile | None:
        """Flush the complete file to the disk; return None if its digest is wrong."""
        if not self._is_right():
            return None
        if self.file.size_bytes == 0:
            self.write(b"")
        if self._handle is not None:
            os.fsync(self._handle)
            self.close()
        return OriginFile(name=self.file.name, sha256=self._sha256.hexdigest(), size_bytes=self.size)

    def discard(self) -> None:
        """Remove all bytes."""
        self.close()
        self._path.unlink(missing_ok=True)
        self._reset()

    def close(self) -> None:
        """Close the file if it is open."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _add(self, data: bytes) -> None:
        self._sha256.update(data)
        if self.file.sha256 is None:
            self._git.update(data)
        self.size += len(data)
        self._check()

    def _is_right(self) -> bool:
        """Return whether all bytes are here, with the digest that the hub stated."""
        if self.file.sha256 is not None:
            return self._sha256.hexdigest() == self.file.sha256
        return self._git.hexdigest() == self.file.git_oid
