"""Store one file during its download: its bytes, its growing digest, and its place when it is complete.

A note beside ``<name's digest>.part`` holds the ETags of its bytes; without it they are not used.
"""

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.contracts.hub import HubFile, OriginFile
from workers.contracts.process.disk import NO_ROOM
from workers.hub import words

READ_BYTES = 1 << 20
PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags that follow no link and, on Windows, change no byte."""
GIVEN_BACK_BYTES = 1 << 20


class Digest:
    """The SHA-256 of all bytes, and git's object name if the hub states that."""

    def __init__(self, file: HubFile) -> None:
        """Start digests of `file`."""
        self._file = file
        self.sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add bytes to the digests."""
        self.sha256.update(data)
        if self._file.sha256 is None:
            self._git.update(data)

    def is_right(self) -> bool:
        """Return whether the bytes have the digest that the hub stated."""
        if self._file.sha256 is not None:
            return self.sha256.hexdigest() == self._file.sha256
        return self._git.hexdigest() == self._file.git_oid


class PartialFile:
    """A file during its download; not shared between threads."""

    def __init__(self, place: Path, file: HubFile, seen: Callable[[int], None]) -> None:
        """Name the paths of the piece below `place`.

        Args:
            place: folder of the download.
            file: the file in the hub's list.
            seen: called with the number of bytes that are read again; it raises when the work must stop.
        """
        self.file, self._seen = file, seen
        stem = hashlib.sha256(file.name.encode()).hexdigest()[:32]
        self._path = place / "pieces" / f"{stem}.part"
        self._note = place / "pieces" / f"{stem}.json"
        self.target = place.joinpath("files", *file.name.split("/"))
        self._handle: int | None = None
        self._digest = Digest(file)
        self.size = 0
        self.etag: str | None = None
        self.body_etag: str | None = None
        self.transfers = 0

    def whole(self) -> OriginFile | None:
        """Return the file if it is complete and correct in its place; another file there is removed."""
        digest = Digest(self.file)
        try:
            handle = os.open(self.target, os.O_RDONLY | PLAIN)
        except OSError:
            self.target.unlink(missing_ok=True)
            return None
        with os.fdopen(handle, "rb") as file:
            size = self._read_into(file, digest)
        if size == self.file.size_bytes and digest.is_right():
            return self._told(digest)
        self.target.unlink()
        return None

    def open(self) -> None:
        """Continue an earlier piece, if there is one; an invalid piece starts again.

        Raises:
            OSError: the piece cannot be opened or is not a plain file.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = self._read_note()
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | PLAIN, 0o600)
        found = os.fstat(self._handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise OSError(errno.EINVAL, "not a plain file", str(self._path))
        if note is None or found.st_size > self.file.size_bytes:
            self.discard()
            return
        self.etag, self.body_etag = note
        with os.fdopen(os.dup(self._handle), "rb") as file:
            self.size = self._read_into(file, self._digest)
        self.transfers = 1 if self.size else 0

    def begin(self, etag: str | None, body_etag: str | None) -> None:
        """Start a transfer whose bytes have these ETags."""
        self.transfers += 1
        if (etag, body_etag) != (self.etag, self.body_etag) or not self._note.exists():
            self.etag, self.body_etag = etag, body_etag
            self._note.write_text(json.dumps({"etag": etag, "body_etag": body_etag}), encoding="utf-8")

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            WorkerError: there is no room, or more bytes come than the file has.
        """
        if self._handle is None:
            raise ValueError("the piece is not open")
        if self.size + len(data) > self.file.size_bytes:
            raise words.wrong_length(self.file.name, self.file.size_bytes, self.size + len(data))
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
                missing_bytes = self.file.size_bytes - kept
                raise words.disk_full(self.file.name, self._path.parent, missing_bytes) from error
            raise
        self._digest.update(data)
        self.size += len(data)

    def discard(self) -> None:
        """Discard all bytes and start again."""
        self._note.unlink(missing_ok=True)
        self.size, self.etag, self.body_etag, self.transfers = 0, None, None, 0
        self._digest = Digest(self.file)
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)

    def finish(self) -> OriginFile | None:
        """Move the complete file to its place, flushed to disk; return None if its digest is wrong."""
        if self._handle is None or self.size != self.file.size_bytes or not self._digest.is_right():
            return None
        os.fsync(self._handle)
        self.close()
        self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.replace(self.target)
        self._note.unlink(missing_ok=True)
        return self._told(self._digest)

    def close(self) -> None:
        """Close the piece if it is open."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Remove the piece and its note."""
        self.close()
        for path in (self._path, self._note):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _read_into(self, file: Any, digest: Digest) -> int:
        size = 0
        while data := file.read(READ_BYTES):
            digest.update(data)
            self._seen(len(data))
            size += len(data)
        return size

    def _read_note(self) -> tuple[str | None, str | None] | None:
        try:
            note = json.loads(self._note.read_bytes()[:4096])
            etags = note["etag"], note["body_etag"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return etags if all(etag is None or isinstance(etag, str) for etag in etags) else None

    def _told(self, digest: Digest) -> OriginFile:
        return OriginFile(name=self.file.name, sha256=digest.sha256.hexdigest(), size_bytes=self.file.size_bytes)
