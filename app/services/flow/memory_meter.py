"""How much memory the processes of one piece of work hold, read seldom so that it does not disturb what is measured."""

import time
from collections.abc import Sequence

import psutil

EVERY_S = 0.5


class MemoryMeter:
    """`new_peak(pids)` at every turn of a loop; it looks twice a second."""

    def __init__(self) -> None:
        self._next_s, self._peak_bytes = 0.0, 0

    def new_peak(self, pids: Sequence[int]) -> int | None:
        """Bytes resident in all of them where that is more than ever before, else None."""
        now_s = time.monotonic()
        if now_s < self._next_s or not pids:
            return None
        self._next_s = now_s + EVERY_S
        used = sum(_resident(pid) for pid in pids)
        if used <= self._peak_bytes:
            return None
        self._peak_bytes = used
        return used


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it is over
        return 0
