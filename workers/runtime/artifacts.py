"""Files that are whole or not there: written aside, flushed to the disk, renamed; and hashed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from workers.contracts.folder import sha256_file, sha256_folder
from workers.contracts.process.messages import ArtifactReady


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power failure (Windows has no such call and needs none)."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when the block ends well; an older one stays until then.

    Raises OSError (disk full, no permission) with nothing left behind.
    """
    aside = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, and itself, to the disk."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            descriptor = os.open(Path(place) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(place))


def describe_artifact(path: Path, work_dir: Path) -> ArtifactReady:
    """Hash a file or folder below `work_dir`. Raises ValueError if it lies elsewhere, FileNotFoundError if nowhere."""
    relative = path.resolve().relative_to(work_dir.resolve()).as_posix()
    if path.is_dir():
        digest = sha256_folder(path)
        size_bytes = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    else:
        digest, size_bytes = sha256_file(path), path.stat().st_size
    return ArtifactReady(path=relative, sha256=digest, size_bytes=size_bytes)
