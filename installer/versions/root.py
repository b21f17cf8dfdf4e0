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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steps.words import SetupError

from app.filelock import try_lock
from app.files import write_whole

PAYLOAD = "payload.json"
NEW = ".new"
GONE = ".gone-"
MOST_PAYLOAD_BYTES = 32 << 20
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SAFE = "The program works as before."


class Root:
    """The folder of an installed program, with all its `versions`."""

    def __init__(self, path: Path) -> None:
        """Know the folder; nothing is read yet."""
        self.path, self.versions = path, path / "versions"

    def folder(self, version: str) -> Path:
        """Return the folder of a version; raises `SetupError` for a name that no version has."""
        if not VERSION.fullmatch(version):
            raise SetupError("This is not the name of a version.", SAFE, "version_name")
        return self.versions / version

    def pointer(self) -> tuple[str, str]:
        """Return the current and the previous version, "" for one that is not there."""
        lines = []
        with contextlib.suppress(OSError, ValueError), (self.path / "pointer").open(encoding="utf-8") as file:
            lines = file.read(1000).splitlines()
        current, previous, *_ = [
            line if VERSION.fullmatch(line) and self.is_whole(line) else "" for line in [*lines, "", ""]
        ]
        return current, previous

    def is_whole(self, version: str) -> bool:
        """Return whether the launcher would start a version; it looks for the same files."""
        return (self.versions / version / PAYLOAD).is_file() and os.access(python_of(self.versions / version), os.X_OK)

    def point(self, current: str, previous: str) -> None:
        """Move the pointer in one step that survives a power failure."""
        write_whole(self.path / "pointer", f"{current}\n{previous}\n".encode(), mode=0o644)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for a change; before and after it, remove what an interrupted change left.

        Raises:
            SetupError: another change is under way, or the folder cannot be written.
        """
        with words_for_disk(self.path):
            self.versions.mkdir(parents=True, exist_ok=True)
            with (self.path / ".lock").open("ab") as lock:
                if not try_lock(lock.fileno()):
                    what = "Another installation or update of this program is under way."
                    raise SetupError(what, f"Wait until it has ended. {SAFE}", "version_busy")
                self._clean()
                try:
                    yield
                finally:
                    self._clean()

    def _clean(self) -> None:
        for path in self.versions.iterdir():
            if path.name.startswith("."):
                remove_tree(path)

    def put_away(self, version: str) -> bool:
        """Delete a version; return False if it runs. Nobody sees it half deleted, because it is renamed first."""
        folder, gone = self.folder(version), self.versions / f"{GONE}{secrets.token_hex(4)}"
        if is_running(folder):
            return False
        if os.name == "nt":  # Windows refuses while a file of the folder is open
            with contextlib.suppress(PermissionError):
                folder.replace(gone)
        else:
            folder.replace(gone)
        remove_tree(gone)
        return not folder.exists()

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
    with contextlib.suppress(FileNotFoundError), (folder / PAYLOAD).open("rb") as file:
        return not try_lock(file.fileno())
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


def remove_tree(folder: Path) -> None:
    """Delete a folder whose inner folders are read-only; what cannot be deleted stays for the next time."""
    for place, _folders, _files in os.walk(folder):
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)  # noqa: PTH101 - one call for each of thousands of folders
    shutil.rmtree(folder, ignore_errors=True)


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
