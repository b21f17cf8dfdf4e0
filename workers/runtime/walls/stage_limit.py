"""A time limit that holds whatever the process is doing: also inside native code that never lets Python run again."""

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager

MOST_BUSY = 4.0


def busy_factor(cores: int) -> float:
    """How much longer everything takes where more wants to run than there are cores; 1 on a quiet machine.

    A worker is polite: of a busy machine it gets less than its share. Windows does not tell its load.
    """
    if not hasattr(os, "getloadavg"):
        return 1.0
    return min(MOST_BUSY, max(1.0, os.getloadavg()[0] / max(1, cores)))


@contextmanager
def end_after(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer; where it hung stands in the log then, mostly.

    faulthandler's timer is a native thread that needs nothing of Python. It has one timer for each process. Writing
    down where Python code is while it runs on may crash, which ends the process just as well.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
