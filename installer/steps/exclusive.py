"""Allow one set-up at a time in a clone."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.filelock import try_lock
from steps.words import print_line


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold the lock file and wait for another set-up that holds it; yields the handle of the open file.

    The operating system releases the lock when the last process that has the file open ends for any reason.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not try_lock(handle):
            print_line("Another set-up is under way in this folder. Waiting until it has ended …")
            while not try_lock(handle):
                time.sleep(0.1)
        yield handle
    finally:
        os.close(handle)
