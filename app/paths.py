"""Where everything of the person's lies: one data folder, readable by its owner alone."""

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.contracts.errors import BackendMissing
from workers.contracts.process.disk import NO_ROOM, SAFE, DiskFull, lacks_room

OWNER_ONLY = 0o700
MAX_NAME_BYTES = 255


class DataFolderUnusable(BackendMissing):
    """The data folder cannot be made, read or written; `path` is the file or folder that it failed on."""

    def __init__(self, path: Path, detail: str, hint: str, code: str = "data_folder_unusable") -> None:
        super().__init__(code, "Fettle cannot use its data folder", detail, hint)
        self.path = path


@dataclass(frozen=True)
class DataPaths:
    """The layout below `root`. Nothing is made or touched by asking for a path."""

    root: Path

    @property
    def store(self) -> Path:
        """The content-addressed artifacts."""
        return self.root / "store"

    @property
    def jobs(self) -> Path:
        """One folder for each job that runs; empty when none does."""
        return self.root / "jobs"

    @property
    def logs(self) -> Path:
        """The program's log and one for each job."""
        return self.root / "logs"

    @property
    def presets(self) -> Path:
        """The person's own presets."""
        return self.root / "presets"

    @property
    def backups(self) -> Path:
        """Verified copies of the database."""
        return self.root / "backups"

    @property
    def handover(self) -> Path:
        """What a second start asks the open window for."""
        return self.root / "handover"

    @property
    def hub(self) -> Path:
        """Models from the hub, pieces of those that are on their way, and where the token is kept."""
        return self.root / "hub"

    @property
    def gpu_cache(self) -> Path:
        """What drivers and engines compiled for GPUs; it may be deleted at any time."""
        return self.root / "gpu-cache"

    @property
    def unfinished(self) -> Path:
        """What long jobs had finished when they were ended; it may be deleted at any time."""
        return self.root / "unfinished"

    @property
    def releases(self) -> Path:
        """The bundles of releases, by their sha256."""
        return self.root / "releases"

    @property
    def database(self) -> Path:
        return self.root / "fettle.db"

    @property
    def lock(self) -> Path:
        return self.root / "fettle.lock"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders of the layout, `root` first."""
        inner = (self.store, self.jobs, self.logs, self.presets, self.backups, self.handover, self.hub, self.releases)
        return (self.root, *inner)


def find_data_folder(option: Path | None = None, environment: Mapping[str, str] = os.environ) -> DataPaths:
    """`--data-dir`, else FETTLE_HOME, else the platform's data folder. Nothing is made."""
    chosen = option or (Path(environment["FETTLE_HOME"]) if environment.get("FETTLE_HOME") else None)
    if chosen is None:
        from platformdirs import user_data_path  # only where it is needed: the window's first paint waits

        chosen = user_data_path("fettle", appauthor=False, roaming=False)
    try:
        return DataPaths(chosen.expanduser().absolute())
    except RuntimeError as error:  # no home folder for "~"
        detail = f"The folder {chosen} cannot be found: this account has no home folder."
        raise DataFolderUnusable(chosen, detail, "Name a folder with --data-dir or FETTLE_HOME.") from error


def prepare(paths: DataPaths) -> DataPaths:
    """Make the missing folders, closed to other accounts. Raises `DataFolderUnusable` in plain words.

    A folder that is there already keeps its rights: it may be the person's own, named with --data-dir.
    """
    for folder in paths.folders:
        try:
            folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            detail = f"{folder} cannot be made, because a file is in its place."
            raise DataFolderUnusable(folder, detail, "Move that file, or name another --data-dir.") from error
        except OSError as error:
            raise unusable(folder, error) from error
    return paths


def clear_leftovers(paths: DataPaths) -> int:
    """Remove the folders of jobs that a killed program left; how many. Only for the holder of the lock."""
    count = 0
    for part in paths.releases.glob("*.part"):  # a bundle that was on its way in
        part.unlink(missing_ok=True)
    for folder in paths.jobs.iterdir() if paths.jobs.is_dir() else ():
        count += 1
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
    return count


def why_not_writable(folder: Path) -> str:
    """Return why nothing can be made in an existing folder, "" where it can be, by trying it.

    Rights alone do not say it: an administrator has all of them, and cannot write into /proc. A full disk is left to
    the writing itself, which knows how much was missing.
    """
    try:
        Path(tempfile.mkdtemp(prefix=".fettle-", dir=folder)).rmdir()
    except OSError as error:
        return "" if lacks_room(error) else error.strerror or str(error)
    return ""


def unusable(path: Path, error: OSError) -> DataFolderUnusable:
    """An operating system's error on `path`, in words and with what to do."""
    other = "or name another one with --data-dir or FETTLE_HOME."
    if error.errno in NO_ROOM:
        full = DiskFull(path)
        return DataFolderUnusable(path, full.detail, full.info().hint_by_command, full.code)
    if error.errno == errno.EFBIG:
        detail = f"A file in {path} would become larger than this account or this disk allows. {SAFE}"
        return DataFolderUnusable(path, detail, f"Raise that limit (ulimit -f), {other}", "file_too_large")
    if error.errno == errno.EROFS:
        detail = f"{path} cannot be written: its disk allows reading only."
        hint = f"Make the disk writable, {other} Commands that only read, such as compare, go on working."
        return DataFolderUnusable(path, detail, hint, "data_folder_read_only")
    if error.errno in (errno.EACCES, errno.EPERM):
        detail = f"{path} cannot be used: this account has no right to it."
        return DataFolderUnusable(path, detail, f"Give it the right to read and write there, {other}")
    reason = error.strerror or str(error)
    return DataFolderUnusable(path, f"{path} cannot be used: {reason}.", f"Check the disk, {other}")
