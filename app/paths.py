"""Define the data folder that holds all of the user's files and that only its owner can read."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePath

from workers.contracts.errors import BackendMissing
from workers.contracts.process.disk import NO_ROOM, SAFE, DiskFull, lacks_room
from workers.contracts.translation import _, joined, mark

OWNER_ONLY = 0o700
MAX_NAME_BYTES = 255
COMPANIONS = ("fettle.db", "signing-key.")
"""Beginnings of the names of further files in the root of a data folder."""
LINKS_ALLOWED = frozenset(("jobs", "presets", "gpu-cache", "sets"))
"""Folders whose entries may be links: jobs get new folders, presets are only read, and libraries keep own links."""
OTHER_FOLDER = "Name another folder with --data-dir or FETTLE_HOME."


class DataFolderUnusable(BackendMissing):
    """The data folder cannot be created, read or written; `path` is the file or folder that failed."""

    def __init__(self, path: Path, detail: str, hint: str, code: str = "data_folder_unusable") -> None:
        """Create the error for `path`; `detail` is what happened, `hint` is what to do."""
        super().__init__(code, mark("Fettle cannot use its data folder"), detail, hint, by_command=OTHER_FOLDER)
        self.path = path


class Below:
    """The path of one file or folder in the root of a data folder."""

    def __init__(self, name: str) -> None:
        """Create the path of `name`."""
        self.name = name

    def __get__(self, paths: "DataPaths", _owner: type) -> Path:
        """Return the path in the root of `paths`."""
        return paths.root / self.name


@dataclass(frozen=True)
class DataPaths:
    """The layout of the data folder below `root`. Reading a path neither creates nor changes anything."""

    root: Path

    store = Below("store")
    """The folder of content-addressed artifacts."""
    jobs = Below("jobs")
    """The folder with one folder per running job; it is empty when no job runs."""
    logs = Below("logs")
    """The folder with the program's log and one log per job."""
    presets = Below("presets")
    """The folder of the user's own presets."""
    backups = Below("backups")
    """The folder of verified copies of the database."""
    handover = Below("handover")
    """The folder of requests from a second start to the open window."""
    hub = Below("hub")
    """The folder of hub models, partial downloads and the record of the token."""
    gpu_cache = Below("gpu-cache")
    """The folder of code that drivers and engines compiled for GPUs; it may be deleted at any time."""
    updates = Below("updates")
    """The folder of an update's partial download; it may be deleted at any time."""
    unfinished = Below("unfinished")
    """The folder of partial results of interrupted long jobs; it may be deleted at any time."""
    sets = Below("sets")
    """The folder of installed optional sets of an installed program, and of their partial downloads."""
    releases = Below("releases")
    """The folder of release bundles, named by their sha256."""
    services = Below("services")
    """The folder with one folder per project whose web service was started from the window."""
    first_looks = Below("first-looks")
    """The folder of pictures of the window's first look by settings; it may be deleted at any time."""
    computers = Below("computers")
    """The folder with one folder per other computer: its record, Fettle's key for it, and its host key."""
    database = Below("fettle.db")
    """The SQLite database of projects, runs, versions and releases."""
    lock = Below("fettle.lock")
    """The file that the one program which writes to this folder keeps locked."""
    settings = Below("settings.json")
    """The settings that apply to all projects."""

    def log_of(self, stored: str | None) -> Path | None:
        """Return the log of a job by its path in the database, never outside the folder of logs; None without one."""
        return self.logs / PurePath(stored).name if stored else None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return all folders of the layout that are created at the start, `root` first."""
        inner = (self.store, self.jobs, self.logs, self.presets, self.backups, self.handover, self.hub, self.releases)
        return (self.root, *inner)


def find_data_folder(option: Path | None = None, environment: Mapping[str, str] = os.environ) -> DataPaths:
    """Return the paths of `--data-dir`, else of FETTLE_HOME, else of the platform's data folder. Nothing is created."""
    chosen = option or (Path(environment["FETTLE_HOME"]) if environment.get("FETTLE_HOME") else None)
    if chosen is None:
        from platformdirs import user_data_path  # late: the window's first paint does not wait for it

        chosen = user_data_path("fettle", appauthor=False, roaming=False)
    try:
        return DataPaths(chosen.expanduser().absolute())
    except RuntimeError as error:  # there is no home folder for "~"
        detail = _("The folder {0} cannot be found: this account has no home folder.").format(chosen)
        raise DataFolderUnusable(chosen, detail, mark("Ask for a home folder for this account.")) from error


def prepare(paths: DataPaths) -> DataPaths:
    """Create the missing folders and close them to other accounts.

    An existing folder keeps its permissions: the user may have chosen it with --data-dir.

    Raises:
        DataFolderUnusable: if a folder cannot be created, or leads elsewhere; its text is written for users.
    """
    refuse_links(paths)
    for folder in paths.folders:
        try:
            folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            detail = _("{0} cannot be made, because a file is in its place.").format(folder)
            raise DataFolderUnusable(folder, detail, mark("Move that file, then start Fettle again.")) from error
        except OSError as error:
            raise unusable(folder, error) from error
    return paths


def refuse_links(paths: DataPaths) -> None:
    """Refuse links, pipes and devices in place of the program's own files and folders; the root itself may be a link.

    In the data folder of a stranger a link could lead to other files, which would be overwritten or removed, and
    reading a pipe would never end.

    Raises:
        DataFolderUnusable: if there is one.
    """
    names = {one.name for one in vars(DataPaths).values() if isinstance(one, Below)}
    folders = [paths.root / name for name in sorted(names - LINKS_ALLOWED)]
    inner = (place for pattern in ("*", "*/phone") for place in paths.services.glob(pattern))
    for folder in chain((paths.root,), folders, inner):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                is_own = folder != paths.root or entry.name in names or entry.name.startswith(COMPANIONS)
                if is_own and not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                    detail = _("{0} is no plain file or folder and could lead out of the data folder.").format(
                        entry.path
                    )
                    hint = mark(
                        "Put a plain file or folder in its place. To keep the data on another disk, move the whole "
                        "data folder."
                    )
                    raise DataFolderUnusable(Path(entry.path), detail, hint, "data_folder_link")


def clear_leftovers(paths: DataPaths) -> int:
    """Remove the job folders that a killed program left and return their number. Only for the holder of the lock."""
    count = 0
    for part in paths.releases.glob("*.part"):  # bundles whose import was interrupted
        part.unlink(missing_ok=True)
    for folder in paths.jobs.iterdir() if paths.jobs.is_dir() else ():
        count += 1
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
    return count


def why_not_writable(folder: Path) -> str:
    """Return why no file can be created in an existing folder, or "" if one can, by creating a folder in it.

    Permissions alone do not show this: an administrator has all of them and cannot write into /proc. A full disk is not
    reported here, because the write itself knows how many bytes are missing.
    """
    try:
        Path(tempfile.mkdtemp(prefix=".fettle-", dir=folder)).rmdir()
    except OSError as error:
        return "" if lacks_room(error) else error.strerror or str(error)
    return ""


def unusable(path: Path, error: OSError) -> DataFolderUnusable:
    """Convert an operating system error on `path` to an error with a plain text and a hint."""
    if error.errno in NO_ROOM:
        full = DiskFull(path)
        return DataFolderUnusable(path, full.detail, full.hint, full.code)
    if error.errno == errno.EFBIG:
        large = _("A file in {0} would become larger than this account or this disk allows.").format(path)
        detail = joined([large, _(SAFE)])
        return DataFolderUnusable(path, detail, mark("Raise that limit."), "file_too_large")
    if error.errno == errno.EROFS:
        detail = _("{0} cannot be written: its disk allows reading only.").format(path)
        hint = mark("Make the disk writable. Commands that only read, such as compare, go on working.")
        return DataFolderUnusable(path, detail, hint, "data_folder_read_only")
    if error.errno in (errno.EACCES, errno.EPERM):
        detail = _("{0} cannot be used: this account has no right to it.").format(path)
        return DataFolderUnusable(path, detail, mark("Give it the right to read and write there."))
    reason = error.strerror or str(error)
    return DataFolderUnusable(path, _("{0} cannot be used: {1}.").format(path, reason), mark("Check the disk."))
