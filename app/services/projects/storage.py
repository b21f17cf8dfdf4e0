"""What the projects hold on disk, and which of it nothing needs any more.

Artifacts lie under keys made of all that made them and are shared by projects; bundles of releases lie under their
sha256. A project holds what its rows in the database name and what its runs made. What no row names is not needed,
unless a running flow holds it, or a run that still exists made it within the days that are kept: for so long a run can
go on without doing its work again. Measurements are kept for so long in any case (`kept_measurements.py`).
"""

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from app.paths import DataPaths
from app.persistence.references import References, read_references
from app.services.flow.artifacts import FREED, ArtifactStore
from app.services.flow.background import Stopped
from app.services.flow.disk_work import never
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import KEPT_S, Workspace
from workers.contracts.process.disk import file_sizes

DAY_S = 24 * 3600
KEEP_DAYS = KEPT_S // DAY_S
"""Days for which a run that was interrupted keeps what it needs to go on, as for jobs."""
GRACE_S = 3600
"""A bundle is kept before its release is recorded: what is so young may be on its way."""
MEASURED = "measured"


@dataclass(frozen=True)
class StoredThing:
    """A folder of the store, a released bundle or what an ended job had finished; `used_s` in seconds since 1970."""

    kind: Literal["artifact", "bundle", "unpacked", "unfinished", "leftover"]
    key: str
    path: Path
    size_bytes: int
    used_s: float


@dataclass(frozen=True)
class ProjectStorage:
    """What one project holds. What several share counts for each of them."""

    id: str
    title: str
    size_bytes: int
    freeable_bytes: int


@dataclass(frozen=True)
class Storage:
    """All that is stored; `other_bytes` and `other_freeable_bytes` are of no project.

    `freeable` are the things that nothing needs, the one that was used longest ago first.
    """

    projects: tuple[ProjectStorage, ...]
    size_bytes: int
    freeable_bytes: int
    other_bytes: int
    other_freeable_bytes: int
    freeable: tuple[StoredThing, ...]


@dataclass(frozen=True)
class Freed:
    """How much was removed, the keys of the artifacts among it, and what is stored now."""

    size_bytes: int
    keys: tuple[str, ...]
    storage: Storage


def survey(space: Workspace, keep_days: int = KEEP_DAYS) -> Flow[Storage]:
    """Count what is stored, beside the event loop. Raises `StoreUnusable`."""
    found: Storage = yield DiskStep(partial(measure, space.paths, space.artifacts, keep_days))
    return found


def free(space: Workspace, keep_days: int = KEEP_DAYS, most_bytes: int | None = None) -> Flow[Freed]:
    """Remove what nothing needs, the oldest first; with `most_bytes` only until no more than that is stored.

    Killed at any moment, it leaves everything that is needed, and the next time removes what it began to remove.
    """
    freed: Freed = yield DiskStep(partial(_free, space.paths, space.artifacts, keep_days, most_bytes))
    with space.repositories.together():
        for key in freed.keys:
            space.repositories.artifacts.delete(key)  # where it came from
    return freed


def measure(paths: DataPaths, artifacts: ArtifactStore, keep_days: int, stopped: Stopped = never) -> Storage:
    """Count what is stored and what of it nothing needs, from the disk and from a database connection of its own."""
    # Whatever a flow lets go of while this runs is named by the database before: first what is held, then the rows.
    held = artifacts.held
    things = list(_things(paths, artifacts, stopped))
    references = read_references(paths.database)
    named = frozenset[str]().union(*references.keys.values())
    needed = held | artifacts.named_by_results(named)
    free_ones = [one for one in things if not _is_needed(one, needed, references, keep_days)]
    holders = {one.path: _holders(one, references) for one in things}
    is_freeable = {one.path for one in free_ones}
    projects = []
    for project_id, title in references.names.items():
        own = [one for one in things if project_id in holders[one.path]]
        freeable = sum(one.size_bytes for one in own if one.path in is_freeable)
        projects.append(ProjectStorage(project_id, title, sum(one.size_bytes for one in own), freeable))
    return Storage(
        projects=tuple(sorted(projects, key=lambda one: (-one.size_bytes, one.title, one.id))),
        size_bytes=sum(one.size_bytes for one in things),
        freeable_bytes=sum(one.size_bytes for one in free_ones),
        other_bytes=sum(one.size_bytes for one in things if not holders[one.path]),
        other_freeable_bytes=sum(one.size_bytes for one in free_ones if not holders[one.path]),
        freeable=tuple(sorted(free_ones, key=lambda one: one.used_s)),
    )


def _is_needed(thing: StoredThing, needed: frozenset[str], references: References, keep_days: int) -> bool:
    if thing.kind == "unpacked" or thing.key in needed:  # a service may run from an unpacked release
        return True
    age_s = time.time() - thing.used_s
    if thing.kind in ("bundle", "leftover"):
        return age_s < GRACE_S and thing.path.parent.name != FREED
    is_kept = age_s < keep_days * DAY_S
    maker = references.makers.get(thing.key)
    if thing.kind == "unfinished" or maker is None:  # of a database that was lost and may come back
        return is_kept
    return is_kept and (maker.kind == MEASURED or bool(maker.project_id))


def _holders(thing: StoredThing, references: References) -> set[str]:
    """The projects that name a thing or made it."""
    if thing.kind == "unpacked":
        return {one for one, keys in references.keys.items() if one and any(k.startswith(thing.key) for k in keys)}
    named = {one for one, keys in references.keys.items() if one and thing.key in keys}
    maker = references.makers.get(thing.key)
    return named | ({maker.project_id} if maker is not None and maker.project_id else set())


def _things(paths: DataPaths, artifacts: ArtifactStore, stopped: Stopped) -> Iterator[StoredThing]:
    for path in _entries(paths.store, "*/*"):
        is_artifact = not path.name.startswith(".") and path.parent != artifacts.freed
        yield from _thing("artifact" if is_artifact else "leftover", path, path.name, stopped)
    for path in _entries(paths.releases, "*"):
        if path.is_file() and path.suffix != ".part":
            yield from _thing("bundle", path, path.name.partition(".")[0], stopped)
    for path in _entries(paths.releases / "unpacked", "*"):
        yield from _thing("unpacked", path, path.name, stopped)
    for path in _entries(paths.unfinished, "*"):
        yield from _thing("unfinished", path, path.name, stopped)


def _entries(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def _thing(
    kind: Literal["artifact", "bundle", "unpacked", "unfinished", "leftover"], path: Path, key: str, stopped: Stopped
) -> Iterator[StoredThing]:
    """Nothing for what another step removed meanwhile."""
    if stopped():
        raise InterruptedError("the count was broken off")
    with contextlib.suppress(FileNotFoundError):
        known = path.stat()
        yield StoredThing(kind, key, path, sum(file_sizes(path)) or known.st_size, known.st_mtime)


def _free(
    paths: DataPaths, artifacts: ArtifactStore, keep_days: int, most_bytes: int | None, stopped: Stopped
) -> Freed:
    storage = measure(paths, artifacts, keep_days, stopped)
    gone = []
    for thing in _chosen(storage, most_bytes):
        if stopped():
            break
        if _remove(artifacts, thing):
            gone.append(thing)
    keys = tuple(one.key for one in gone if one.kind == "artifact")
    return Freed(sum(one.size_bytes for one in gone), keys, measure(paths, artifacts, keep_days, stopped))


def _chosen(storage: Storage, most_bytes: int | None) -> Iterable[StoredThing]:
    left = storage.size_bytes
    for thing in storage.freeable:
        if most_bytes is not None and left <= most_bytes:
            return
        left -= thing.size_bytes
        yield thing


def _remove(artifacts: ArtifactStore, thing: StoredThing) -> bool:
    """Move a thing aside by one rename, then remove it; False where it is in use again, or cannot be moved."""
    aside = thing.path if thing.path.parent == artifacts.freed else artifacts.set_aside(thing.path, thing.used_s)
    if aside is None:
        return False
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)
    return True
