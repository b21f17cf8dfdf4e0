"""Hash the files that jobs read, and store those of a cluster's worker in one folder, named by hash."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from app.files import digest_of
from app.jobs.cluster.records import PIECE_BYTES, FileRef, Input
from workers.contracts.paths import from_text, to_text


class FileIndex:
    """The hashes of files that were read before; owned by a study. A file with another size or time is read again.

    Paths in `left_out` are never sent: they are the other models of a study.
    """

    def __init__(self, left_out: frozenset[Path] = frozenset()) -> None:
        """Create an empty index."""
        self._left_out = left_out
        self._known: dict[Path, tuple[int, int, FileRef]] = {}

    def ref(self, path: Path) -> FileRef:
        """Return the contents of a file; raises OSError."""
        facts = path.stat()
        known = self._known.get(path)
        if known is None or known[:2] != (facts.st_size, facts.st_mtime_ns):
            known = facts.st_size, facts.st_mtime_ns, FileRef(sha256=digest_of(path), size=facts.st_size)
            self._known[path] = known
        return known[2]

    def inputs_of(self, paths: tuple[str, ...]) -> tuple[Input, ...]:
        """Return these files and folders with all files below them; a path inside another one is not repeated."""
        places = sorted({from_text(path) for path in paths})
        outer = [place for place in places if not any(other in place.parents for other in places)]
        named = {place for place in places if place in self._left_out}
        return tuple(Input(path=to_text(place), files=self._below(place, named)) for place in outer)

    def _below(self, place: Path, named: set[Path]) -> dict[str, FileRef]:
        if place.is_file():
            return {"": self.ref(place)}
        skipped = self._left_out - named
        files = {}
        for folder, inner, names in os.walk(place):
            inner[:] = [name for name in inner if Path(folder, name) not in skipped]
            paths = [Path(folder, name) for name in names if Path(folder, name) not in skipped]
            files.update({path.relative_to(place).as_posix(): self.ref(path) for path in paths if path.is_file()})
        return files


def pieces_of(files: dict[str, FileRef]) -> Iterator[list[tuple[str, int, int]]]:
    """Yield the pieces of one message after the other by name, offset and size, so that small files share a message."""
    pieces, room = list[tuple[str, int, int]](), PIECE_BYTES
    for name, ref in files.items():
        offset = 0
        while offset < ref.size:
            size = min(room, ref.size - offset)
            pieces.append((name, offset, size))
            offset, room = offset + size, room - size
            if not room:
                yield pieces
                pieces, room = [], PIECE_BYTES
    if pieces:
        yield pieces


def inner_path(name: str) -> PurePosixPath:
    """Return a relative name from elsewhere; raise ValueError if it leads outside of its folder."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is not a name below a folder")
    return path


def kept(folder: Path, sha256: str) -> Path:
    """Return the place of a file in a worker's folder."""
    return folder / "files" / sha256


def lay_out(folder: Path, one: Input, place: Path) -> None:
    """Link the stored files of an input to `place`."""
    for name, ref in one.files.items():
        target = place / inner_path(name) if name else place
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(kept(folder, ref.sha256), target)


# --- called on the worker by Dask, which passes itself as `dask_worker`


def own_folder(dask_worker: Any) -> Path:
    """Return the folder of Fettle on a worker, which its other users cannot read."""
    folder = Path(dask_worker.local_directory) / "fettle"
    (folder / "files").mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def missing(wanted: list[str], dask_worker: Any = None) -> list[tuple[str, int]]:
    """Return the hashes of files that a worker lacks, with the bytes of each that arrived before."""
    folder = own_folder(dask_worker)
    lacking = [name for name in wanted if not kept(folder, name).is_file()]
    parts = [(name, kept(folder, f"{name}.part")) for name in lacking]
    return [(name, part.stat().st_size if part.is_file() else 0) for name, part in parts]


def put(sha256: str, offset: int, piece: bytes, is_last: bool, dask_worker: Any = None) -> bool:
    """Write a piece of a file on a worker; return whether it fits, and after the last one whether the hash does."""
    folder = own_folder(dask_worker)
    part = kept(folder, f"{sha256}.part")
    if (part.stat().st_size if part.is_file() else 0) != offset:
        return False
    with part.open("ab") as file:
        file.write(piece)
    if is_last and digest_of(part) != sha256:
        part.unlink()
        return False
    if is_last:
        part.replace(kept(folder, sha256))
    return True


def get(pieces: list[tuple[str, int, int]], dask_worker: Any = None) -> list[bytes]:
    """Return pieces of a worker's files, each by hash, offset and size."""
    folder, found = own_folder(dask_worker), []
    for sha256, offset, size in pieces:
        with kept(folder, sha256).open("rb") as file:
            file.seek(offset)
            found.append(file.read(size))
    return found
