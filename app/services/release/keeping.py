"""Keep the bundles of releases in the data folder by their SHA-256, so that a rollback gives the same bytes."""

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

from app.files import sync_folder
from app.paths import DataPaths
from app.services.flow.artifacts import digest_of
from app.services.flow.background import Stopped, never, pieces
from app.services.flow.steps import JobError, Refused
from workers.contracts.errors import InputRefused
from workers.contracts.process.disk import NO_ROOM, DiskFull
from workers.contracts.translation import _, mark


def bring(paths: DataPaths, source: Path, sha256: str, stopped: Stopped) -> Path:
    """Return a synced copy near its destination; `settle` moves it there.

    If an error is raised, nothing is left.

    Raises:
        JobError: The file's bytes do not match `sha256`, or the copy cannot be written.
        InterruptedError: `stopped` returned True.
    """
    part = paths.releases / f"{uuid.uuid4().hex}.part"
    digest = hashlib.sha256()
    try:
        paths.releases.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as write:
            for piece in pieces(source, stopped):
                write.write(piece)
                digest.update(piece)
            write.flush()
            os.fsync(write.fileno())
        if digest.hexdigest() != sha256:
            raise _changed(source)
    except BaseException as error:
        drop(part)
        if isinstance(error, OSError) and not isinstance(error, InterruptedError):
            raise _not_kept(paths, source, error) from error
        raise
    return part


def settle(part: Path, place: Path) -> None:
    """Rename the copy to its place, where an existing bundle has the same bytes; raises `JobError`."""
    try:
        part.replace(place)
        sync_folder(place.parent)
    except OSError as error:
        drop(part)
        raise _not_kept(DataPaths(place.parents[1]), place, error) from error


def drop(part: Path) -> None:
    """Remove a copy that is not needed."""
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def has_digest(path: Path, sha256: str, stopped: Stopped = never) -> bool:
    """Return whether a file with these bytes exists; False when `stopped` returns True."""
    try:
        return digest_of(path, stopped) == sha256
    except OSError:
        return False


def _changed(source: Path) -> JobError:
    return Refused(
        "bundle_changed",
        "The bundle is not as it was written",
        _("{0} was changed since. Nothing was released, and the releases before are as they were.").format(source),
        "Export the version again, then release it.",
    )


def _not_kept(paths: DataPaths, source: Path, error: OSError) -> JobError:
    safe = mark("Nothing was released, and the releases before are as they were.")
    if error.errno in NO_ROOM:
        hint = mark("Make room there, then release it again.")
        size_bytes = source.stat().st_size if source.exists() else None
        full = DiskFull(paths.root, needed_bytes=size_bytes, safe=safe, hint=hint).info()
        return JobError(full, InputRefused.exit_code)
    detail = f"{source}: {error.strerror or error}. {safe}"
    return Refused("not_kept", "The release could not be kept", detail, "Put that right, then release it again.")
