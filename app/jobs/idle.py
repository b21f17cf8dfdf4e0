"""Detect a hanging process: a deadlocked library uses no processor time and never ends."""

import time
from collections.abc import Callable

import psutil

LOOK_EVERY_S = 1.0
GAP_S = 5.0
"""Seconds without a look after which earlier readings no longer count: the computer slept, or calls were late."""

IDLE_SHARE = 0.01
"""Share of one core below which a process is idle; a worker's watchdog and messages use about a tenth of it."""


def cpu_seconds(pid: int) -> float | None:
    """Return the processor seconds of a process and its ended children, None if it ended or may not be read."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except (OSError, psutil.Error):
        return None


class IdleWatch:
    """Idle detection for one process, owned by its client; call `is_idle(limit_s)` often, it looks once a second."""

    def __init__(self, read: Callable[[], float | None]) -> None:
        """Create the detection; `read` returns the processor seconds of the process, None when it has ended."""
        self._read = read
        self._looked_s = 0.0
        self._worked_s: float | None = None
        self._used_s = 0.0

    def is_idle(self, limit_s: float, now_s: float | None = None) -> bool:
        """Return whether the process used less than a hundredth of one core over the last `limit_s` seconds."""
        now_s = time.monotonic() if now_s is None else now_s
        since_s = now_s - self._looked_s
        if since_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        used_s = self._read()
        if used_s is None:
            return False
        if self._worked_s is None or since_s > GAP_S or used_s - self._used_s > IDLE_SHARE * limit_s:
            self._worked_s, self._used_s = now_s, used_s
        return now_s - self._worked_s > limit_s
