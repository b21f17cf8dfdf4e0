"""Limit progress messages to ten a second and estimate the remaining time.

The first and the last message of each stage are always sent.
"""

import time
from collections.abc import Callable, Iterator

from workers.contracts.process.messages import Progress

MIN_INTERVAL_S = 0.1
MIN_ELAPSED_FOR_ETA_S = 0.2


class ProgressThrottle:
    """Filter of one job that decides which progress is sent."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create a filter; `clock` returns seconds."""
        self._clock = clock
        self._stage: str | None = None
        self._started_s = 0.0
        self._first_done = 0.0
        self._sent_s = -MIN_INTERVAL_S
        self._waiting: Progress | None = None

    def push(self, stage: str, done: float, total: float | None, unit: str, stage_id: str = "") -> Iterator[Progress]:
        """Yield the messages to send now: none, one, or two when a new stage releases the last one of the old."""
        now = self._clock()
        is_new = stage != self._stage
        if is_new:
            yield from self.flush()
            self._stage, self._started_s, self._first_done = stage, now, done
        left_s = self._seconds_left(now, done, total)
        message = Progress(stage=stage, stage_id=stage_id, done=done, total=total, unit=unit, eta_s=left_s)
        is_last = total is not None and done >= total
        if is_new or is_last or now - self._sent_s >= MIN_INTERVAL_S:
            self._sent_s, self._waiting = now, None
            yield message
        else:
            self._waiting = message

    def flush(self) -> Iterator[Progress]:
        """Yield the last message that was held back, if any."""
        if self._waiting is not None:
            message, self._waiting = self._waiting, None
            yield message

    def _seconds_left(self, now: float, done: float, total: float | None) -> float | None:
        elapsed, advanced = now - self._started_s, done - self._first_done
        if total is None or advanced <= 0 or elapsed < MIN_ELAPSED_FOR_ETA_S:
            return None
        return max(0.0, elapsed / advanced * (total - done))
