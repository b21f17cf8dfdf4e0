"""Measure what projects hold on the disk, and remove stored things that nothing needs.

Artifacts have keys made of everything that produced them and are shared by projects; bundles of releases are named by
their SHA-256. A project holds the keys that its database rows name and those that its runs made. A key without a row is
unneeded unless a running flow holds it, or an existing run made it within the days that are kept. During these days a
run can resume without repeating work. Measurements are always kept that long (`kept_measurements.py`).
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
from app.services.flow.background import Stopped, never
from app.services.flow.steps import DiskStep, Flow
from app.services.flow.workspace import KEPT_S, Workspace
from workers.contracts.process.disk import file_sizes

DAY_S = 24 * 3600
KEEP_DAYS = KEPT_S // DAY_S
"""Days for which an interrupted run keeps what it needs to resume, as for jobs."""
GRACE_S = 3600
"""Seconds for which an unrecorded bundle stays, because its release may be under way."""
MEASURED = "measured"


Kind = Literal["artifact", "bundle", "unpacked", "unfinished", "leftover", "service"]


@dataclass(frozen=True)
class StoredThing:
    """A stored folder, a released bundle, finished parts of a job, or what a project's web service needs.

    `used_s` is in seconds since 1970; the key of a service is its project's id.
    """

    kind: Kind
    key: str
    path: Path
    size_bytes: int
    used_s: float


@dataclass(frozen=True)
class ProjectStorage:
    """Bytes that one project holds; shared files count for each project."""

    id: str
    title: str
    size_bytes: int
    freeable_bytes: int


@dataclass(frozen=True)
class Storage:
    """Everything that is stored; `other_bytes` and `other_freeable_bytes` belong to no project.

    `freeable` lists what nothing needs, unused for longest first.
    """

    projects: tuple[ProjectStorage, ...]
    size_bytes: int
    freeable_bytes: int
    other_bytes: int
    other_freeable_bytes: int
    freeable: tuple[StoredThing, ...]


@dataclass(frozen=True)
class Freed:
    """Bytes that were removed, the keys of removed artifacts, and what remains."""

    size_bytes: int
    keys: tuple[str, ...]
    storage: Storage


def survey(space: Workspace, keep_days: int = KEEP_DAYS) -> Flow[Storage]:
    """Return the stored things, counted in a thread; raises `StoreUnusable`."""
    storage: Storage = yield DiskStep(partial(measure, space.paths, space.artifacts, keep_days))
    return storage


def free(space: Workspace, keep_days: int = KEEP_DAYS, most_bytes: int | None = None) -> Flow[Freed]:
    """Remove what nothing needs, oldest first; with `most_bytes` only until no more than that is stored.

    If it is killed, everything needed remains, and the next call completes the removal.
    """
    freed: Freed = yield DiskStep(partial(_free, space.paths, space.artifacts, keep_days, most_bytes))
    with space.repositories.together():
        for key in freed.keys:
            space.repositories.artifacts.delete(key)  # its record of origin
    return freed


def measure(paths: DataPaths, artifacts: ArtifactStore, keep_days: int, stopped: Stopped = never) -> Storage:
    """Return the stored things and which of them nothing needs, from the disk and a separate database connection."""
    # A flow may release keys while this runs; the database names them before that. So read held keys first, then rows.
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
    if thing.kind in ("unpacked", "service") or thing.key in needed:  # a service may use an unpacked release
        return True
    age_s = time.time() - thing.used_s
    if thing.kind in ("bundle", "leftover"):
        return age_s < GRACE_S and thing.path.parent.name != FREED
    is_kept = age_s < keep_days * DAY_S
    maker = references.makers.get(thing.key)
    if thing.kind == "unfinished" or maker is None:  # the database that named it may have been lost and may come back
        return is_kept
    return is_kept and (maker[0] == MEASURED or bool(maker[1]))


def _holders(thing: StoredThing, references: References) -> set[str]:
    """Return the projects that name a thing or made it."""
    if thing.kind == "unpacked":
        return {one for one, keys in references.keys.items() if one and any(k.startswith(thing.key) for k in keys)}
    if thing.kind == "service":
        return {thing.key} & references.names.keys()
    named = {one for one, keys in references.keys.items() if one and thing.key in keys}
    _, maker_id = references.makers.get(thing.key, ("", ""))
    return named | ({maker_id} - {""})


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
    for path in _entries(paths.services, "*"):
        yield from _thing("service", path, path.name, stopped)


def _entries(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def _thing(kind: Kind, path: Path, key: str, stopped: Stopped) -> Iterator[StoredThing]:
    """Yield the thing, or nothing if another step removed it meanwhile."""
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
    """Move a thing aside by one rename and remove it; return False if it is in use again or cannot be moved."""
    aside = thing.path if thing.path.parent == artifacts.freed else artifacts.set_aside(thing.path, thing.used_s)
    if aside is None:
        return False
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.unlink(missing_ok=True)
    return True
