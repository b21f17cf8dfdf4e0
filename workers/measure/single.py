"""How long one input takes: a few calls after a first one, nothing but the call between two readings of the clock."""

import time
from collections.abc import Callable
from statistics import median
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_S, SLOW_MS = 0.3, 2000.0


class Timed(Generic[T]):
    """What the last call gave, and the milliseconds of each timed one."""

    def __init__(self, result: T, latencies_ms: list[float]) -> None:
        self.result, self.latencies_ms = result, latencies_ms

    @property
    def median_ms(self) -> float:
        """The middle of all timed calls."""
        return median(self.latencies_ms)


def time_calls(
    call: Callable[[], T], most: int, check: Callable[[], None], max_s: float = MAX_S, slow_ms: float = SLOW_MS
) -> Timed[T]:
    """One call untimed (a first one loads and compiles), then up to `most` timed ones, begun within `max_s` seconds.

    At least one is timed. Where the first takes longer than `slow_ms` it is the one: what it loaded is little of
    that, and nobody waits twice. `check` is called between them and may raise.
    """
    begin = time.perf_counter_ns()
    result = call()
    first_ms = (time.perf_counter_ns() - begin) / 1e6
    check()
    if first_ms > slow_ms:
        return Timed(result, [first_ms])
    until = time.perf_counter() + max_s
    latencies_ms: list[float] = []
    while True:
        begin = time.perf_counter_ns()
        result = call()
        latencies_ms.append((time.perf_counter_ns() - begin) / 1e6)
        check()
        if len(latencies_ms) >= most or time.perf_counter() > until:
            return Timed(result, latencies_ms)
