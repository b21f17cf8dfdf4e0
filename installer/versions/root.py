"""Define the folder of an installed program: its versions, the pointer to one of them, and who may change them.

``ROOT/versions/<version>`` is one complete version, ``ROOT/pointer`` names the current one and the previous one, one a
line. A folder whose name begins with a dot is not complete or about to be deleted.
"""

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.words import SetupError

PAYLOAD = "payload.json"
NEW = ".new"
GONE = ".gone-"
MOST_PAYLOAD_BYTES = 32 << 20
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAFE = "The program works as before."


@dataclass(frozen=True)
class Root:
    """The folder of an installed program."""

    path: Path

    @property
    def versions(self) -> Path:
        """Return the folder of all versions."""
        return self.path / "versions"

    @property
    def new(self) -> Path:
        """Return the folder of the version that is being unpacked."""
        return self.versions / NEW

    def folder(self, version: str) -> Path:
        """Return the folder of a version; raises `SetupError` for a name that no version has."""
        if not VERSION.fullmatch(version):
            raise SetupError("This is not the name of a version.", SAFE, "version_name")
        return self.versions / version

    def pointer(self) -> tuple[str, str]:
        """Return the current and the previous version, "" for one that is not there."""
        try:
            with (self.path / "pointer").open(encoding="utf-8") as file:
                lines = file.read(1000).splitlines()
        except (OSError, ValueError):
            lines = []
        named = [line if VERSION.fullmatch(line) and self.is_whole(line) else "" for line in [*lines, "", ""]]
        return named[0], named[1]

    def is_whole(self, version: str) -> bool:
        """Return whether the launcher would start a version; it looks for the same files."""
        return (self.versions / version / PAYLOAD).is_file() and os.access(python_of(self.versions / version), os.X_OK)

    def point(self, current: str, previous: str) -> None:
        """Move the pointer in one step that survives a power failure."""
        write_synced(self.path / "pointer", f"{current}\n{previous}\n")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for a change; before and after it, remove what an interrupted change left.

        Raises:
            SetupError: another change is under way, or the folder cannot be written.
        """
        with words_for_disk(self.path):
            self.versions.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if not _try_lock(handle):
                    what = "Another installation or update of this program is under way."
                    raise SetupError(what, f"Wait until it has ended. {SAFE}", "version_busy")
                self._clean()
                try:
                    yield
                finally:
                    self._clean()
            finally:
                os.close(handle)

    def _clean(self) -> None:
        for path in self.versions.iterdir():
            if path.name.startswith("."):
                remove_tree(path)

    def put_away(self, version: str) -> bool:
        """Delete a version; return False if it runs. Nobody sees it half deleted, because it is renamed first."""
        folder, gone = self.folder(version), self.versions / f"{GONE}{secrets.token_hex(4)}"
        if is_running(folder):
            return False
        try:
            folder.replace(gone)
        except PermissionError:
            if os.name == "nt":  # Windows refuses while a file of the folder is open
                return False
            raise
        remove_tree(gone)
        return True

    def prune(self) -> None:
        """Delete all versions but the current and the previous one, except those that run."""
        kept = self.pointer()
        for path in self.versions.iterdir():
            if path.name not in kept and VERSION.fullmatch(path.name):
                self.put_away(path.name)


def python_of(folder: Path) -> Path:
    """Return the private Python of a version."""
    return folder / "python" / ("python.exe" if os.name == "nt" else "bin/python3")


def is_running(folder: Path) -> bool:
    """Return whether a program holds the lock of a version, which it takes at its start (`app/running_version.py`)."""
    try:
        handle = os.open(folder / PAYLOAD, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(handle)
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        with contextlib.suppress(OSError):
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            return True
        return False
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def read_payload(folder: Path) -> dict[str, Any]:
    """Return the list of a version's files; raises `SetupError` if it is damaged."""
    with contextlib.suppress(OSError, ValueError), (folder / PAYLOAD).open("rb") as file:
        return checked_payload(file.read(MOST_PAYLOAD_BYTES))
    raise damaged(f"{folder.name} has no list of its files")


def checked_payload(data: bytes) -> dict[str, Any]:
    """Return the list of a version's files; raises ValueError if it has not the form of one."""
    payload = json.loads(data)
    files, links = payload["files"], payload.get("links", {})
    texts = [payload["version"], payload["platform"], *files, *files.values(), *links, *links.values()]
    if not all(isinstance(text, str) for text in texts) or not VERSION.fullmatch(payload["version"]):
        raise ValueError("not a list of files")
    return {"version": payload["version"], "platform": payload["platform"], "files": files, "links": links}


def damaged(reason: str) -> SetupError:
    """Return the error for a version that is not what its list says."""
    return SetupError(f"The new version is damaged: {reason}.", f"Download it again. {SAFE}", "version_damaged")


def write_synced(path: Path, text: str) -> None:
    """Replace a file in one step; raises OSError, and the old file is unchanged then."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power failure; Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_tree(folder: Path) -> None:
    """Delete a folder whose inner folders are read-only; what cannot be deleted stays for the next time."""
    if folder.is_dir() and not folder.is_symlink():
        for place, _folders, _files in os.walk(folder):
            with contextlib.suppress(OSError):
                os.chmod(place, 0o700)  # noqa: PTH101 - one call for each of thousands of folders
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


@contextlib.contextmanager
def words_for_disk(path: Path) -> Iterator[None]:
    """Turn errors of the disk into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            what, hint = "There is not enough room on the disk for another version.", "Free disk space and try again."
            raise SetupError(what, f"{hint} {SAFE}", "disk_full") from error
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            what = f"{path} cannot be changed by this account."
            hint = "Your system's package manager updates it, or who installed it."
            raise SetupError(what, f"{hint} {SAFE}", "version_read_only") from error
        what = f"The disk of {path} reported an error: {error.strerror or error}."
        raise SetupError(what, f"Check the disk. {SAFE}", "version_disk") from error
