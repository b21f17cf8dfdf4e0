"""Whether a process does nothing: a library that waits for itself uses no processor time and never ends."""

import time
from collections.abc import Callable

import psutil

LOOK_EVERY_S = 1.0
GAP_S = 5.0
"""Nobody looked for so long: the computer slept, or whoever looks was held up. What was before says nothing then."""

IDLE_SHARE = 0.01
"""Of one core. A worker's watchdog and its messages use about a tenth of that."""


def cpu_seconds(pid: int) -> float | None:
    """Processor seconds of a process and of its ended children; None when it is over or may not be looked at."""
    try:
        return float(sum(psutil.Process(pid).cpu_times()[:4]))
    except (OSError, psutil.Error):
        return None


class IdleWatch:
    """`is_idle(limit_s)` at every turn of a loop; it looks once a second.

    `read` gives the processor seconds of a process, None when it is over.
    """

    def __init__(self, read: Callable[[], float | None]) -> None:
        self._read = read
        self._looked_s = 0.0
        self._worked_s: float | None = None
        self._used_s = 0.0

    def is_idle(self, limit_s: float, now_s: float | None = None) -> bool:
        """Whether it used less than a hundredth of one core over the last `limit_s` seconds."""
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
