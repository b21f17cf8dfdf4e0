"""Manage the folders of jobs and files below the home of Fettle's workers on this computer.

`files/<sha256>` are inputs that were sent, `jobs/<id>` the running jobs, `kept/<key>` finished parts of long work. A
running job's keeper holds a lock on `jobs/<id>/alive`, which the system releases however the keeper ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from workers.remote.refused import Refused

ALIVE, MEASURING, SOCKET, LOG, WORK, INPUTS = "alive", "measuring.json", "s", "log", "work", "in"
FILES, JOBS, KEPT = "files", "jobs", "kept"
PART = ".part"

JOB_AGE_S, FILE_AGE_S = 24 * 3600.0, 30 * 24 * 3600.0
"""Age from which on the rest of a lost job, and a file that no job used, are removed."""
FILES_BYTES = 20 << 30
"""Size of all files above which those that were used least recently are removed."""

_JOB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def job_folder(home: Path, name: object) -> Path:
    """Return the folder of a job; raise `Refused` if the name is none."""
    if not isinstance(name, str) or not _JOB.match(name):
        raise Refused("bad_request", f"no name of a job: {name!r:.80}")
    return home / JOBS / name


def file_path(home: Path, sha256: object) -> Path:
    """Return the path of a file by its hash; raise `Refused` if the hash is none."""
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise Refused("bad_request", f"no hash: {sha256!r:.80}")
    return home / FILES / sha256


def below(folder: Path, name: object) -> Path:
    """Return the path of a relative name below `folder`; raise `Refused` if it leads elsewhere."""
    if not isinstance(name, str) or not name or "\0" in name or any(p in ("", ".", "..") for p in name.split("/")):
        raise Refused("bad_request", f"no name below a folder: {name!r:.80}")
    return folder / name


def make_folders(home: Path) -> None:
    """Create the folders, which only this account may enter; raise `Refused` if others could."""
    for folder in (home, *(home / name for name in (FILES, JOBS, KEPT))):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = os.lstat(home)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Refused("open_folder", f"other accounts can enter {home}")


@contextlib.contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Let one process of this account at a time do the inner block."""
    descriptor = os.open(str(home / JOBS / ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also where a fork copied the descriptor
        os.close(descriptor)


def hold(path: Path) -> int | None:
    """Return a descriptor that holds the lock of a file as long as it is open, None if another process holds it."""
    descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_alive(folder: Path) -> bool:
    """Return whether the keeper of this job runs."""
    if not (folder / ALIVE).exists():
        return False
    descriptor = hold(folder / ALIVE)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def measured_by(home: Path, group: str) -> str | None:
    """Return who measures on this computer now for another group, None if nobody does."""
    for path in (home / JOBS).glob("*/" + MEASURING):
        with contextlib.suppress(OSError, ValueError, KeyError):
            facts = json.loads(path.read_text())
            if facts["group"] != group and is_alive(path.parent):
                return str(facts["who"])
    return None


def clean(home: Path, words: list[str]) -> int:
    """Remove the rests of lost jobs, and files by age and size; `words` may be the bytes that files may take.

    A file is linked into each job that uses it, so its removal here takes nothing from a running job.
    """
    make_folders(home)
    most_bytes = int(words[0]) if words else FILES_BYTES
    now = time.time()
    for folder in (home / JOBS).iterdir():
        if folder.is_dir() and now - folder.stat().st_mtime > JOB_AGE_S and not is_alive(folder):
            shutil.rmtree(str(folder), ignore_errors=True)
    for folder in (home / KEPT).iterdir():
        if now - folder.stat().st_mtime > FILE_AGE_S:
            shutil.rmtree(str(folder), ignore_errors=True)
    used_bytes = 0
    files = [(path, path.stat()) for path in (home / FILES).iterdir()]
    for path, status in sorted(files, key=lambda one: -one[1].st_atime):
        used_bytes += status.st_size
        age_s = now - max(status.st_atime, status.st_ctime)
        if age_s > (JOB_AGE_S if path.suffix == PART else FILE_AGE_S) or used_bytes > most_bytes:
            used_bytes -= status.st_size
            with contextlib.suppress(OSError):
                path.unlink()
    return 0
