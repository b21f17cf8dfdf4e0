"""One file on its way: what has come of it, its digest as it grows, and its place when it is whole.

Beside ``<name's digest>.part`` lies a note with the ETags that its bytes came under; without it they are worth nothing.
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
"""No link is followed, and on Windows no byte is changed."""
GIVEN_BACK_BYTES = 1 << 20


class Digest:
    """sha256 of all bytes, and git's name of them where that is what the hub told."""

    def __init__(self, file: HubFile) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self.sha256.update(data)
        if self._file.sha256 is None:
            self._git.update(data)

    def is_right(self) -> bool:
        """Whether these are the bytes that the hub told."""
        if self._file.sha256 is not None:
            return self.sha256.hexdigest() == self._file.sha256
        return self._git.hexdigest() == self._file.git_oid


class PartialFile:
    """Not shared between threads. `seen` is told of bytes that are read again, and raises when the work is to stop."""

    def __init__(self, place: Path, file: HubFile, seen: Callable[[int], None]) -> None:
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
        """The file, if it is in its place already with the right bytes; another one is removed."""
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
        """Take up what came before, if anything; a piece that makes no sense is begun anew. Raises OSError."""
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
        """A transfer begins; its bytes come under these ETags."""
        self.transfers += 1
        if (etag, body_etag) != (self.etag, self.body_etag) or not self._note.exists():
            self.etag, self.body_etag = etag, body_etag
            self._note.write_text(json.dumps({"etag": etag, "body_etag": body_etag}), encoding="utf-8")

    def write(self, data: bytes) -> None:
        """Add what came. Raises `WorkerError` where there is no room, or more comes than the file has."""
        if self._handle is None:
            raise ValueError("the piece is not open")
        if self.size + len(data) > self.file.size_bytes:
            raise words.wrong_length(self.file.name, self.file.size_bytes, self.size + len(data))
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            # the database wants to write down that this failed, so some room is given back
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
        """Begin anew with nothing."""
        self._note.unlink(missing_ok=True)
        self.size, self.etag, self.body_etag, self.transfers = 0, None, None, 0
        self._digest = Digest(self.file)
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)

    def finish(self) -> OriginFile | None:
        """Put the whole file in its place, on the disk for sure; None where its bytes are not those told."""
        if self._handle is None or self.size != self.file.size_bytes or not self._digest.is_right():
            return None
        os.fsync(self._handle)
        self.close()
        self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.replace(self.target)
        self._note.unlink(missing_ok=True)
        return self._told(self._digest)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def remove(self) -> None:
        """Leave nothing of it."""
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
