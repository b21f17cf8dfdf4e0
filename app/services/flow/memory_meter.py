"""Read how much memory the processes of one piece of work hold, rarely enough to leave measurements undisturbed."""

import time
from collections.abc import Sequence

import psutil

EVERY_S = 0.5


class MemoryMeter:
    """Peak memory of a driver's processes; call `new_peak(pids)` in every turn, it reads twice a second."""

    def __init__(self) -> None:
        """Create a meter without a peak."""
        self._next_s, self._peak_bytes = 0.0, 0

    def new_peak(self, pids: Sequence[int]) -> int | None:
        """Return the resident bytes of all processes if they exceed the earlier peak, else None."""
        now_s = time.monotonic()
        if now_s < self._next_s or not pids:
            return None
        self._next_s = now_s + EVERY_S
        used = sum(resident_bytes(pid) for pid in pids)
        if used <= self._peak_bytes:
            return None
        self._peak_bytes = used
        return used


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if the process has ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
