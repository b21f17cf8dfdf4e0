"""Store models from the hub in the data folder, complete ones and those under way.

``hub/models/<key>/`` holds a complete model: its files in ``<name>/…``, and ``note.json``. Its key is made of the hub,
the commit and the files' digests, so that the same files are stored once. ``hub/arriving/<key>`` holds the pieces of a
download with ``ask.json``; it survives the program. A large file that another model has is linked, not downloaded.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.domain.run import UNDER_WAY
from app.filelock import try_lock
from app.files import sync_folder, write_whole
from app.jobs.setup import remove_links
from app.services.flow.steps import JobError, Refused, Unavailable
from app.services.flow.workspace import Workspace
from workers.contracts.base import Frozen
from workers.contracts.hub import HubFile, HubModelResult, HubRequest, Origin
from workers.contracts.licenses import LicenseVerdict
from workers.contracts.process.disk import NO_ROOM, DiskFull, file_sizes, free_in
from workers.contracts.translation import _, mark


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class PendingDownload(HubRequest):
    """A requested download with everything to resume it after a restart; `since` is ISO 8601, UTC."""

    endpoint: str
    commit: str
    files: tuple[HubFile, ...]
    main: str | None = None
    license: str | None = None
    author: str | None = None
    verdict: LicenseVerdict | None = None
    since: str = ""

    @classmethod
    def of(cls, endpoint: str, request: HubRequest, listing: HubModelResult) -> "PendingDownload":
        """Return the download for a request once the hub has listed its files."""
        facts = listing.model_dump(include={"commit", "main", "license", "author", "verdict"})
        return cls(**request.model_dump(), **facts, endpoint=endpoint, files=listing.wanted, since=now())

    @property
    def key(self) -> str:
        """Return the name of its folder, which is equal for the same files of the same commit."""
        files = sorted((file.name, file.size_bytes, file.sha256 or file.git_oid or "") for file in self.files)
        text = json.dumps([self.endpoint, self.repo, self.commit, files])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all its files."""
        return sum(file.size_bytes for file in self.files)


class Note(Frozen):
    """The note stored with a complete model."""

    origin: Origin
    name: str
    main: str | None = None
    patterns: tuple[str, ...] = ()
    allow_pickle: bool = False


@dataclass(frozen=True)
class StoredModel:
    """A complete model; `folder` holds its files under their names in the repository, `main` is the one to open."""

    key: str
    folder: Path
    origin: Origin
    main: str | None

    @property
    def open_path(self) -> Path:
        """Return the path to open: the requested or only file, else the folder."""
        main = self.origin.files[0].name if self.main is None and len(self.origin.files) == 1 else self.main
        return self.folder if main is None else self.folder.joinpath(*main.split("/"))

    @property
    def size_bytes(self) -> int:
        """Return the bytes of all its files."""
        return sum(file.size_bytes for file in self.origin.files)


M = TypeVar("M", bound=Frozen)
FILES, ASK, NOTE = "files", "ask.json", "note.json"
PIECES = "pieces"
"""Folder of incomplete files of Fettle 0.2, which the next download takes."""
MAX_NOTE_BYTES = 8 << 20
LINKED_FROM_BYTES = 1 << 20
LINKED_SUFFIXES = (".onnx", ".safetensors")
"""Suffixes of files that may be linked; external weights of an ONNX file are refused then (they could be anywhere)."""


class ModelCache:
    """The stored models below ``<data folder>/hub``; only the process that owns the data folder writes there."""

    def __init__(self, root: Path) -> None:
        """Create access to models below `root`."""
        self.root, self.models, self.arriving = root, root / "models", root / "arriving"

    def get(self, key: str) -> StoredModel | None:
        """Return the model of this key if all its files exist with their sizes, else None."""
        note = _read(self.models / key / NOTE, Note)
        if note is None:
            return None
        folder = self.models / key / note.name
        for file in note.origin.files:
            try:
                if folder.joinpath(*file.name.split("/")).stat().st_size != file.size_bytes:
                    return None
            except OSError:
                return None
        return StoredModel(key, folder, note.origin, note.main)

    def list(self) -> tuple[StoredModel, ...]:
        """Return all complete models, newest first."""
        models = [model for key in _names(self.models) if (model := self.get(key)) is not None]
        return tuple(sorted(models, key=lambda model: model.origin.downloaded_at, reverse=True))

    def find(self, endpoint: str, request: HubRequest) -> StoredModel | None:
        """Return the newest model of the same request, for offline use; None if there is none."""
        wanted = endpoint, request.repo, request.patterns, request.allow_pickle
        for model in self.list():
            origin, note = model.origin, _read(self.models / model.key / NOTE, Note)
            same = note is not None and (origin.endpoint, origin.repo, note.patterns, note.allow_pickle) == wanted
            if same and request.revision in (origin.revision, origin.commit):
                return model
        return None

    def owner(self, path: Path) -> StoredModel | None:
        """Return the model that `path` belongs to, None if it lies elsewhere."""
        try:
            key = path.absolute().relative_to(self.models.absolute()).parts[0]
        except (ValueError, IndexError):
            return None
        return self.get(key)

    def pending_downloads(self) -> tuple[PendingDownload, ...]:
        """Return paused or interrupted downloads, newest first."""
        downloads = [_read(self.arriving / key / ASK, PendingDownload) for key in _names(self.arriving)]
        return tuple(sorted((a for a in downloads if a is not None), key=lambda a: a.since, reverse=True))

    def received_bytes(self, key: str) -> int:
        """Return how many bytes of a download are here."""
        place = self.arriving / key
        return sum(file_sizes(place / FILES)) + sum(file_sizes(place / PIECES))

    def free_bytes(self) -> int:
        """Return the free bytes on the disk."""
        return free_in(self.root) or 0

    @contextlib.contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Lock a download against other programs; raise `JobError` (exit code 6) if one is under way already."""
        self.arriving.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.arriving / f"{key}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(handle):
                detail = mark("Another download of the same files is under way.")
                hint = mark("Wait until it has ended, or cancel it.")
                raise Unavailable("hub_download_busy", "This model is being downloaded already", detail, hint)
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows cannot remove open files
                    path.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def begin(self, pending: PendingDownload) -> Path:
        """Return the folder for the download's pieces, with earlier ones in it; raises OSError."""
        self._sweep()
        place = self.arriving / pending.key
        (place / FILES).mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (place / ASK).is_file():
            write_whole(place / ASK, pending.model_dump_json().encode())
        self._link_present(pending, place / FILES)
        return place

    def _sweep(self) -> None:
        """Remove what a killed program left between two moves, and pieces that cannot be resumed."""
        for folder in (self.models, self.arriving):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in self.models.iterdir():
            if entry.name.startswith("."):
                shutil.rmtree(entry, ignore_errors=True)
        for key in _names(self.arriving):
            if _read(self.arriving / key / ASK, PendingDownload) is None:
                shutil.rmtree(self.arriving / key, ignore_errors=True)

    def _link_present(self, pending: PendingDownload, folder: Path) -> None:
        """Link large files that another model has; where the disk cannot link, they are downloaded."""
        here = {
            file.sha256: model.folder.joinpath(*file.name.split("/"))
            for model in self.list()
            for file in model.origin.files
            if file.size_bytes >= LINKED_FROM_BYTES
        }
        for file in pending.files:
            target = folder.joinpath(*file.name.split("/"))
            source = here.get(file.sha256 or "")
            if source is not None and file.name.endswith(LINKED_SUFFIXES) and not target.exists():
                with contextlib.suppress(OSError):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.link(source, target)

    def adopt(self, pending: PendingDownload, origin: Origin) -> StoredModel:
        """Move a finished download to the models as a whole; raises `JobError` if that fails."""
        place, new = self.arriving / pending.key, self.models / f".{pending.key}.new"
        try:
            remove_links(place)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700, parents=True)
            name = _folder_name(pending.repo)
            (place / FILES).replace(new / name)
            _write_protect(new / name)
            note = Note(origin=origin, name=name, **pending.model_dump(include={"main", "patterns", "allow_pickle"}))
            write_whole(new / NOTE, note.model_dump_json(indent=1).encode())
            target = self.models / pending.key
            shutil.rmtree(target, ignore_errors=True)  # a damaged one
            new.replace(target)
            sync_folder(self.models)
        except OSError as error:
            raise _write_error(self.root, error) from error
        shutil.rmtree(place, ignore_errors=True)
        stored = self.get(pending.key)
        if stored is None:
            detail = _("Files of {0} are missing or do not have the announced size.").format(pending.repo)
            raise Refused("hub_not_whole", "The download is not complete", detail, "Download the model again.")
        return stored

    def discard(self, key: str) -> None:
        """Remove the pieces of a download; raise `JobError` (exit code 6) while it is under way."""
        with self.hold(key):
            shutil.rmtree(self.arriving / key, ignore_errors=True)

    def remove(self, key: str) -> None:
        """Remove a complete model: rename it first, then delete its files."""
        gone = self.models / f".{key}.gone"
        (self.models / key).replace(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _names(folder: Path) -> list[str]:
    """Return the folders in it that are keys; leftovers of an interrupted move begin with a dot."""
    try:
        return [entry.name for entry in folder.iterdir() if re.fullmatch(r"[0-9a-f]{32}", entry.name)]
    except OSError:
        return []


def _read(path: Path, kind: type[M]) -> M | None:
    """Return a note that was written here, None if it is missing or damaged."""
    try:
        with path.open("rb") as file:
            return kind.model_validate_json(file.read(MAX_NOTE_BYTES))
    except (OSError, ValidationError):
        return None


def _folder_name(repo: str) -> str:
    """Return the repository's own name in a form that is valid on every file system."""
    name = re.sub(r"[^\w.-]", "_", repo.rpartition("/")[2], flags=re.ASCII).strip(".-_")
    return name[:100] or "model"


def _write_protect(folder: Path) -> None:
    """Protect verified files from changes; on Windows a read-only file could not be removed."""
    for path in folder.rglob("*") if os.name == "posix" else ():
        if path.is_file():
            path.chmod(0o400)


def _write_error(folder: Path, error: OSError) -> JobError:
    if error.errno in NO_ROOM:
        hint = mark("Free disk space in the settings, then download again.")
        full = DiskFull(folder, safe=mark("What has come is kept."), hint=hint)
        return JobError(full.info(), full.exit_code)
    title = mark("The downloaded model could not be put in its place")
    detail = _("The data folder could not be written: {0}.").format(error.strerror or error)
    hint = mark("Make the data folder writable, then download again: what has come is kept.")
    return Unavailable("hub_not_kept", title, detail, hint)


@dataclass(frozen=True)
class DownloadedModel:
    """A stored model; `used_by` names its projects, `running` is true if one has a queued or running run."""

    stored: StoredModel
    used_by: tuple[str, ...]
    running: bool


def downloaded_models(space: Workspace) -> tuple[DownloadedModel, ...]:
    """Return all complete models, newest first."""
    return tuple(_with_use(space, model) for model in ModelCache(space.paths.hub).list())


def remove_model(space: Workspace, key: str) -> None:
    """Remove a model, also one that projects need to be opened again; results made from it stay in the store.

    Raises:
        JobError: (exit code 3) A run uses the model now, or it is missing.
    """
    model_cache = ModelCache(space.paths.hub)
    model = model_cache.get(key)
    if model is None:
        raise Refused("hub_not_here", "This model is not here", "It was removed already.", "Nothing is to be done.")
    kept = _with_use(space, model)
    if kept.running:
        names = ", ".join(f"“{name}”" for name in kept.used_by)
        detail = _("{0} is used by {1}, which works with it now.").format(model.origin.repo, names)
        raise Refused("hub_in_use", "This model is in use", detail, "Wait until the run has ended.")
    try:
        model_cache.remove(key)
    except OSError as error:
        detail = _("{0} cannot be removed: {1}.").format(model.folder, error.strerror or error)
        hint = mark("Check the data folder's rights.")
        raise Refused("hub_not_removed", "The model could not be removed", detail, hint) from error


def _with_use(space: Workspace, model: StoredModel) -> DownloadedModel:
    repositories = space.repositories
    users = [p for p in repositories.projects.list() if Path(p.model_path).is_relative_to(model.folder)]
    running = any(run.state in UNDER_WAY for p in users for run in repositories.runs.list(project_id=p.id))
    return DownloadedModel(model, tuple(project.name for project in users), running)


ORIGIN = RecordKind("origin", Owner.PROJECT, Origin)


def remember_origin(space: Workspace, project: Project) -> Origin | None:
    """Store the origin of a project's model if it came from the hub; done once, when a run begins."""
    origin = origin_of(space, project)
    if origin is not None and space.repositories.records.get(ORIGIN, project.id) is None:
        space.repositories.records.put(ORIGIN, project.id, origin)
    return origin


def origin_of(space: Workspace, project: Project) -> Origin | None:
    """Return the origin of a project's model without storing it, None if it did not come from the hub."""
    origin = space.repositories.records.get(ORIGIN, project.id)
    if origin is not None:
        return origin
    model = ModelCache(space.paths.hub).owner(Path(project.model_path))
    return model.origin if model is not None else None
