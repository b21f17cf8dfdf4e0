"""Allow one set-up at a time in a clone."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steps.words import print_line


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold the lock file and wait for another set-up that holds it; yields the handle of the open file.

    The operating system releases the lock when the last process that has the file open ends for any reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _try_lock(handle):
            print_line("Another set-up is under way in this folder. Waiting until it has ended …")
            while not _try_lock(handle):
                time.sleep(0.1)
        yield handle
    finally:
        os.close(handle)
