"""The bundles of releases lie in the data folder under their sha256, so that the way back gives the same bytes."""

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

from app.files import sync_folder
from app.paths import DataPaths
from app.services.flow.background import Stopped
from app.services.flow.steps import JobError
from workers.contracts.errors import ErrorInfo
from workers.contracts.process.disk import NO_ROOM, DiskFull

PIECE = 1 << 20
REFUSED = 3


def bring(paths: DataPaths, source: Path, sha256: str, stopped: Stopped) -> Path:
    """A synced copy beside where it shall lie, not yet in its place: `settle` puts it there.

    Raises `JobError` where it has other bytes than `sha256` says or cannot be written, InterruptedError when `stopped`
    says so; nothing is left then.
    """
    part = paths.releases / f"{uuid.uuid4().hex}.part"
    digest = hashlib.sha256()
    try:
        paths.releases.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as read, os.fdopen(handle, "wb") as write:
            while not stopped() and (piece := read.read(PIECE)):
                write.write(piece)
                digest.update(piece)
            write.flush()
            os.fsync(write.fileno())
        if stopped():
            raise InterruptedError(f"{source} was not kept")
        if digest.hexdigest() != sha256:
            raise JobError(_changed(source), REFUSED)
    except BaseException as error:
        drop(part)
        if isinstance(error, OSError) and not isinstance(error, InterruptedError):
            raise JobError(_not_kept(paths, source, error), REFUSED) from error
        raise
    return part


def settle(part: Path, place: Path) -> None:
    """One rename; the same bundle that is there already has the same bytes. Raises `JobError`."""
    try:
        part.replace(place)
        sync_folder(place.parent)
    except OSError as error:
        drop(part)
        raise JobError(_not_kept(DataPaths(place.parents[1]), place, error), REFUSED) from error


def drop(part: Path) -> None:
    """It is not wanted, or no longer."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def has_digest(path: Path, sha256: str, stopped: Stopped = lambda: False) -> bool:
    """Whether a file is there with these bytes; False when `stopped` says so."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while not stopped() and (piece := file.read(PIECE)):
                digest.update(piece)
    except OSError:
        return False
    return not stopped() and digest.hexdigest() == sha256


def _changed(source: Path) -> ErrorInfo:
    return ErrorInfo(
        code="bundle_changed",
        title="The bundle is not as it was written",
        detail=f"{source} was changed since. Nothing was released, and the releases before are as they were.",
        hint="Export the version again, then release it.",
    )


def _not_kept(paths: DataPaths, source: Path, error: OSError) -> ErrorInfo:
    safe = "Nothing was released, and the releases before are as they were."
    if error.errno in NO_ROOM:
        hint = "Make room there, then release it again."
        size_bytes = source.stat().st_size if source.exists() else None
        return DiskFull(paths.root, needed_bytes=size_bytes, safe=safe, hint=hint).info()
    return ErrorInfo(
        code="not_kept",
        title="The release could not be kept",
        detail=f"{source}: {error.strerror or error}. {safe}",
        hint="Put that right, then release it again.",
    )
