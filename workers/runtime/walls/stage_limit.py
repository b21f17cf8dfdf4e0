"""Limit the time of a block of code, even inside native code that never returns to Python."""

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager

MOST_BUSY = 4.0


def busy_factor(cores: int) -> float:
    """Return how much longer work takes when more processes run than there are cores; 1 on an idle computer.

    A worker has a low priority and gets less than its share of a busy computer. Windows does not report its load.
    """
    if not hasattr(os, "getloadavg"):
        return 1.0
    return min(MOST_BUSY, max(1.0, os.getloadavg()[0] / max(1, cores)))


@contextmanager
def end_after(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer than `seconds`; the log usually shows where it hung.

    faulthandler's timer is a native thread that does not need Python, and each process has one timer. Writing the
    traceback of running code may crash, which also ends the process.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
