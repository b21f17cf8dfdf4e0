"""Unpack an archive of a version: the list of its files, then those files that the installed version does not have.

The archive is a tar file compressed by xz that holds regular files only. Its first member is the list, with the sha256
of every file. Files that are not in the archive are linked from the installed version if their sha256 is right.
"""

import hashlib
import lzma
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from app.files import digest_of
from versions.root import MOST_PAYLOAD_BYTES, PAYLOAD, checked_payload, damaged

BLOCK = 1 << 20
MOST_BYTES = 16 << 30
MOST_FILES = 300_000
MOST_MEMORY = 256 << 20
REPORT_EVERY = 200
Report = Callable[[int, int], None]


class PlainStream:
    """The uncompressed bytes of an xz file as `tarfile` reads them; no call allocates more than it may."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the compressed bytes of `file`, from its current position."""
        self._file, self._position, self._rest = file, 0, b""
        self._xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_MEMORY)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; fewer at the end.

        Raises:
            ValueError: more is requested at once than a header or a block may have, or the data end early.
            lzma.LZMAError: the data are damaged.
        """
        if not 0 <= size <= BLOCK:
            raise ValueError("a header is too large")
        parts, missing = [self._rest[:size]], size - len(self._rest)
        self._rest = self._rest[size:]
        while missing > 0 and not self._xz.eof:
            data = self._file.read(BLOCK) if self._xz.needs_input else b""
            if not data and self._xz.needs_input:
                raise ValueError("it ends early")
            parts.append(self._xz.decompress(data, missing))
            missing -= len(parts[-1])
        found = b"".join(parts)
        self._position += len(found)
        return found

    def tell(self) -> int:
        """Return the position in the uncompressed bytes."""
        return self._position

    def seek(self, position: int) -> None:
        """Skip forward to a position; raises ValueError if it lies behind or beyond the end."""
        while self._position < position:
            if not self.read(min(BLOCK, position - self._position)):
                raise ValueError("it ends early")
        if self._position != position:
            raise ValueError("its members overlap")


def unpack(archive: Path, folder: Path, base: Path | None, report: Report) -> dict[str, Any]:
    """Unpack an archive into a new `folder`, complete it from version `base`, check every file and return the list.

    Raises:
        SetupError: the archive is damaged, or is not made for `base`.
        OSError: the disk is full or fails.
    """
    try:
        with archive.open("rb") as file:
            members = _members(PlainStream(file))
            payload = _payload(members, folder)
            missing = dict(payload["files"])
            total = len(missing)
            for name, is_program, blocks in members:
                if name not in missing:
                    raise ValueError(f"“{name[:80]}” is not in its list, or there twice")
                _check(name, missing.pop(name), _write(folder / name, blocks, is_program))
                _report(report, total - len(missing), total)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, lzma.LZMAError, tarfile.TarError) as error:
        raise damaged(str(error)) from error
    for number, (name, digest) in enumerate(missing.items(), total - len(missing) + 1):
        _take(base, folder, name, digest)
        _report(report, number, total)
    for name, target in payload["links"].items():
        _link(folder, name, target)
    _protect(folder)
    return payload


def _report(report: Report, done: int, total: int) -> None:
    if done % REPORT_EVERY == 0 or done == total:
        report(done, total)


def verify(folder: Path, payload: dict[str, Any]) -> None:
    """Check every file of a version against its list; raises `SetupError`."""
    for name, digest in payload["files"].items():
        path = folder / name
        _check(name, digest, digest_of(path) if path.is_file() else "")


def _members(stream: PlainStream) -> Iterator[tuple[str, bool, Iterator[bytes]]]:
    """Yield name, whether it is a program, and content of each member; names are safe below a folder."""
    room, count = MOST_BYTES, 0
    with tarfile.TarFile(fileobj=cast(Any, stream)) as tar:
        for member in tar:
            room, count = room - member.size, count + 1
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
                raise ValueError(f"“{member.name[:80]}” is not a plain file")
            if room < 0 or count > MOST_FILES:
                raise ValueError("it is too large")
            _check_name(member.name)
            content = cast(IO[bytes], tar.extractfile(member))
            yield member.name, bool(member.mode & 0o100), iter(partial(content.read, BLOCK), b"")


def _payload(members: Iterator[tuple[str, bool, Iterator[bytes]]], folder: Path) -> dict[str, Any]:
    """Write the list of files, which comes first, and return it."""
    name, _is_program, blocks = next(members, ("", False, iter(())))
    if name != PAYLOAD:
        raise ValueError("it does not begin with its list of files")
    data = b""
    for block in blocks:
        data += block
        if len(data) > MOST_PAYLOAD_BYTES:
            raise ValueError("its list of files is too long")
    payload = checked_payload(data)
    for listed in (*payload["files"], *payload["links"]):
        _check_name(listed)
    if len(payload["files"]) > MOST_FILES or PAYLOAD in payload["files"]:
        raise ValueError("its list of files is too long")
    _write(folder / PAYLOAD, iter((data,)), is_program=False)
    return payload


def _check_name(name: str) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts) or len(name) > 1000:
        raise ValueError(f"“{name[:80]}” leads out of the folder")
    if any(character in name for character in '\\:\0"<>|?*') or not name.isprintable():
        raise ValueError(f"“{name[:80]}” is not a name that every system can keep")


def _check(name: str, expected: str, found: str) -> None:
    if found != expected:
        raise damaged(f"“{name[:80]}” has other content than its list says")


def _write(path: Path, blocks: Iterator[bytes], is_program: bool) -> str:
    """Write a new file and return its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
        if os.name != "posix":  # elsewhere one call syncs all files at the end
            file.flush()
            os.fsync(file.fileno())
    path.chmod(0o555 if is_program else 0o444)
    return digest.hexdigest()


def _take(base: Path | None, folder: Path, name: str, digest: str) -> None:
    """Take an unchanged file from the installed version; both versions share its room on the disk."""
    source, target = (base or folder) / name, folder / name
    if base is None or source.is_symlink() or not source.is_file():
        raise damaged(f"“{name[:80]}” is neither in it nor in the installed version")
    _check(name, digest, digest_of(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a disk without links
        shutil.copy(source, target)


def _link(folder: Path, name: str, target: str) -> None:
    """Make a link that stays in the folder, whatever other links lead through."""
    path = folder / name
    if PurePosixPath(target).is_absolute() or "\\" in target or ":" in target:
        raise damaged(f"the link “{name[:80]}” leads out of the folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    aim = (path.parent / target).resolve()
    if not path.parent.resolve().is_relative_to(folder.resolve()) or not aim.is_relative_to(folder.resolve()):
        raise damaged(f"the link “{name[:80]}” leads out of the folder")
    path.symlink_to(target)


def _protect(folder: Path) -> None:
    """Make the inner folders read-only; the outer one must be renamed and deleted."""
    for place, folders, _files in os.walk(folder):
        for name in folders:
            inner = Path(place, name)
            if not inner.is_symlink():
                inner.chmod(0o555)
