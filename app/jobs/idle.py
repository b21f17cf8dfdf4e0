"""Whether a process does nothing: a library that waits for itself uses no processor time and never ends."""

import time
from typing import Protocol

import psutil

LOOK_EVERY_S = 1.0
IDLE_SHARE = 0.01
"""Of one core. A worker's watchdog and its messages use about a tenth of that."""


class Watched(Protocol):
    """Reads the processor seconds of a process; None when it is over."""

    def __call__(self) -> float | None: ...


def cpu_seconds(pid: int) -> float | None:
    """Processor seconds of a process and of its ended children; None when it is over or may not be looked at."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except (OSError, psutil.Error):
        return None


class IdleWatch:
    """`is_idle(now_s, limit_s)` at every turn of a loop; it looks once a second."""

    def __init__(self, read: Watched) -> None:
        self._read = read
        self._next_s = 0.0
        self._worked_s: float | None = None
        self._used_s = 0.0

    def is_idle(self, limit_s: float, now_s: float | None = None) -> bool:
        """Whether it used less than a hundredth of one core over the last `limit_s` seconds."""
        now_s = time.monotonic() if now_s is None else now_s
        if now_s < self._next_s:
            return False
        self._next_s = now_s + LOOK_EVERY_S
        used_s = self._read()
        if used_s is None:
            return False
        if self._worked_s is None or used_s - self._used_s > IDLE_SHARE * limit_s:
            self._worked_s, self._used_s = now_s, used_s
        return now_s - self._worked_s > limit_s
