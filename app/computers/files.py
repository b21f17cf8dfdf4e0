"""Find and hash the files that a job reads, and write the files that came back."""

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from app.computers.problems import BadAnswer

CHUNK_BYTES = 1 << 18
SETTLED_NS = 2 * 10**9
"""Age of a file's last change from which on its hash is remembered; a younger one may change without a trace."""
MOST_FILES = 100_000
LOG, WORK = "log", "work"
"""Names there of a job's log and of its work folder."""


class LocalFile(NamedTuple):
    """A file that a job reads; `name` is its place below the folder of inputs there."""

    path: Path
    name: str
    size: int
    sha256: str


class Hashes:
    """Hashes of files that did not change since; kept in one small database, which may be deleted at any time."""

    def __init__(self, path: Path | None) -> None:
        """Open the database at `path`; None, or a database that cannot be read, remembers nothing."""
        self._database: sqlite3.Connection | None = None
        self._new: list[tuple[str, str]] = []
        if path is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database = sqlite3.connect(path, timeout=5)
                self._database.execute("CREATE TABLE IF NOT EXISTS hashes (key TEXT PRIMARY KEY, sha256 TEXT)")

    def of(self, path: Path, check: Callable[[], None]) -> tuple[int, str]:
        """Return size and SHA-256 of a file; `check` is called often and may raise."""
        status = path.stat()
        key = f"{os.fsencode(path).hex()} {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
        with contextlib.suppress(sqlite3.Error):
            if self._database is not None:
                row = self._database.execute("SELECT sha256 FROM hashes WHERE key = ?", (key,)).fetchone()
                if row is not None:
                    return status.st_size, str(row[0])
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
                check()
        if time.time_ns() - status.st_mtime_ns > SETTLED_NS:
            self._new.append((key, digest.hexdigest()))
        return status.st_size, digest.hexdigest()

    def close(self) -> None:
        """Remember the new hashes, forget the oldest of very many, and close the database."""
        if self._database is None:
            return
        with contextlib.suppress(sqlite3.Error), self._database as database:
            database.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?)", self._new)
            database.execute("DELETE FROM hashes WHERE rowid <= (SELECT max(rowid) FROM hashes) - ?", (MOST_FILES,))
        self._database.close()


def walk(roots: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Yield each plain file below the roots with its name there; a link counts if it leads to one of the roots."""
    inside = [root.resolve() for root in roots]
    for root, name in roots.items():
        if root.is_file():
            yield root, name
        for place, folders, files in os.walk(root):
            folders.sort()
            for file in sorted(files):
                path = Path(place) / file
                if path.is_file() and any(path.resolve().is_relative_to(one) for one in inside):
                    yield path, f"{name}/{path.relative_to(root).as_posix()}"


def folders_of(roots: Mapping[Path, str]) -> list[str]:
    """Return the names there of all folders, so that empty ones exist there, too."""
    found = [name if root.is_dir() else str(PurePosixPath(name).parent) for root, name in roots.items()]
    for root, name in roots.items():
        for place, folders, _files in os.walk(root):
            found += [f"{name}/{(Path(place) / folder).relative_to(root).as_posix()}" for folder in folders]
    return found


class Arrival:
    """A file that comes back, written piece by piece; its transfer owns it and resumes it at `got`."""

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        """Begin with an empty file at `path`, which replaces another."""
        self.size, self.sha256, self.got, self.is_whole = size, sha256, 0, False
        self._path, self._digest = path, hashlib.sha256()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._file = path.open("xb", buffering=0)

    def add(self, piece: bytes) -> None:
        """Append a piece; raise `BadAnswer` if there are more bytes than announced."""
        self.got += len(piece)
        if self.got > self.size or not piece:
            raise BadAnswer(f"{self._path.name} has other bytes than were announced")
        self._digest.update(piece)
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]

    def finish(self) -> None:
        """Close the whole file; raise `BadAnswer` if it is not the one that was announced."""
        self._file.close()
        self.is_whole = True
        if self._digest.hexdigest() != self.sha256:
            self._path.unlink()
            raise BadAnswer(f"{self._path.name} has another hash than was announced")


def listed(files: Any, most_bytes: int) -> list[tuple[str, int, str]]:
    """Return the checked list of (name, size, hash) of the files that a job left; raise `BadAnswer`."""
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise BadAnswer("no list of files")
    found: dict[str, tuple[str, int, str]] = {}
    for file in files:
        match file:
            case [str(name), int(size), str(sha256)] if size >= 0 and _is_inside(name) and name not in found:
                found[name] = (name, size, sha256)
            case _:
                raise BadAnswer(f"a file with the name {str(file)[:200]!r}")
    if sum(size for _name, size, _sha256 in found.values()) > most_bytes:
        raise BadAnswer("more bytes than this job may write")
    return list(found.values())


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    with contextlib.suppress(UnicodeEncodeError):
        is_plain = all(part not in ("", ".", "..") and len(os.fsencode(part)) <= 255 for part in parts)
        is_ours = name == LOG or (parts[0] == WORK and len(parts) > 1)
        return is_plain and is_ours and "\0" not in name and "\\" not in name and len(name) <= 4000
    return False
