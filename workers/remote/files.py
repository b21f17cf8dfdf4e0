"""Receive files by their SHA-256 and send the files that a job wrote."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from workers.contracts.process.channel import CHUNK_BYTES, DATA, BadFrameError
from workers.remote.folders import LOG, PART, WORK, below, file_path, hold
from workers.remote.line import Line
from workers.remote.refused import Refused

RECEIVED_NS = 10**18
"""Modification time of a whole, checked file: a file that was changed afterwards has another one and is sent anew."""

WAIT_S = 0.2
MOST_FILES = 100_000
HOME = ".home"


def has(home: Path, sha256: object, size: object) -> bool:
    """Return whether a file is here, and record that it was used now."""
    path = file_path(home, sha256)
    try:
        status = os.lstat(path)
        if status.st_size != size or status.st_mtime_ns != RECEIVED_NS:
            return False
        os.utime(path, ns=(time.time_ns(), RECEIVED_NS))
    except OSError:
        return False
    return True


def answer_have(home: Path, line: Line, request: dict[str, Any]) -> None:
    """Reply which of the files are missing; raise `Refused` if there is no room for them."""
    files = [(index, sha256, size) for index, (sha256, size) in enumerate(request["files"])]
    missing = [(index, size) for index, sha256, size in files if not has(home, sha256, size)]
    free, needed = shutil.disk_usage(str(home)).free, sum(size for _, size in missing)
    if needed > free:
        raise Refused("no_room", f"{needed} bytes for inputs", free=free, needed=needed)
    line.reply(missing=[index for index, _ in missing])


def receive(home: Path, line: Line, request: dict[str, Any]) -> None:
    """Receive one file: reply from which byte on, append what comes, and check its hash."""
    path, size = file_path(home, request.get("sha256")), int(request["size"])
    part = path.with_name(path.name + PART)
    descriptor = _wait_for(part, line)
    try:
        if has(home, path.name, size):  # another process has just received it
            part.unlink()
            line.reply(offset=size)
        else:
            _append(part, descriptor, size, line)
            got, digest = _described(part, line)
            if (got, digest) != (size, path.name):
                part.unlink()
                raise Refused("wrong_hash", f"{path.name}: {digest}")
            os.utime(part, ns=(time.time_ns(), RECEIVED_NS))
            part.chmod(0o400)
            part.replace(path)
        line.reply(received=path.name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            with contextlib.suppress(OSError):
                part.unlink()
        raise
    finally:
        os.close(descriptor)


def _wait_for(part: Path, line: Line) -> int:
    """Return the descriptor that holds a part; while another connection receives it and it grows, wait."""
    size, grew_s = -1, time.monotonic()
    while True:
        descriptor = hold(part)
        if descriptor is not None and part.exists():
            return descriptor
        if descriptor is not None:  # its last holder has just renamed it
            os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_size != size:
                size, grew_s = part.stat().st_size, time.monotonic()
        if time.monotonic() - grew_s > line.patience_s / 2:
            raise Refused("busy_file", part.name)
        line.say_working()
        time.sleep(WAIT_S)


def _append(part: Path, descriptor: int, size: int, line: Line) -> None:
    got = os.fstat(descriptor).st_size
    if got > size:
        os.ftruncate(descriptor, 0)
        got = 0
    os.lseek(descriptor, got, os.SEEK_SET)
    line.reply(offset=got)
    while got < size:
        frame = line.read()
        if frame[:1] != DATA or len(frame) < 2 or got + len(frame) - 1 > size:
            raise BadFrameError("no part of a file")
        left = memoryview(frame)[1:]
        while left:
            left = left[os.write(descriptor, left) :]
        got += len(frame) - 1


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the next `size` bytes, or what there is; a log may grow meanwhile."""
    while piece := file.read(min(CHUNK_BYTES, size)):
        size -= len(piece)
        yield piece


def _described(path: Path, line: Line) -> tuple[int, str]:
    """Return size and hash of a file; the other end sees that this process still works."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        for piece in _pieces(file, size):
            digest.update(piece)
            line.say_working()
    return size, digest.hexdigest()


def answer_list(folder: Path, line: Line) -> None:
    """Reply the plain files that a job left, with sizes and hashes; links and its own home are left out."""
    found: list[tuple[str, int, str]] = []
    log = folder / LOG
    if log.is_file():
        found.append((LOG, *_described(log, line)))
    for place, folders, files in os.walk(str(folder / WORK)):
        folders[:] = [name for name in folders if name != HOME]
        for name in sorted(files):
            path = Path(place) / name
            if path.is_symlink() or not path.is_file():
                continue
            if len(found) > MOST_FILES:
                raise Refused("too_many_files", str(folder.name))
            found.append((str(path.relative_to(folder)), *_described(path, line)))
    line.reply(files=found)


def send(folder: Path, line: Line, request: dict[str, Any]) -> None:
    """Send a file of a job from a byte on, to the size that was listed."""
    path = below(folder, request.get("name"))
    is_own = path.resolve() == folder.resolve() / path.relative_to(folder)
    if not is_own or path.relative_to(folder).parts[0] not in (WORK, LOG):
        raise Refused("bad_request", "no file that a job left")
    offset, size = int(request["offset"]), int(request["size"])
    descriptor = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        file.seek(offset)
        for piece in _pieces(file, max(0, size - offset)):
            line.write(DATA + piece)
            line.moved()
    line.reply(sent=request["name"])
