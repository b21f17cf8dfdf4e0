"""Time single inputs: a few calls after a first one, with only the call between two clock readings."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MAX_S, SLOW_MS = 0.3, 2000.0


def time_calls(
    call: Callable[[], T], most: int, check: Callable[[], None], max_s: float = MAX_S, slow_ms: float = SLOW_MS
) -> tuple[T, list[float]]:
    """Return the result of the last call and the milliseconds of each timed call.

    Make one untimed call (which loads and compiles), then up to `most` timed calls within `max_s` seconds.
    At least one call is timed. If the first takes longer than `slow_ms`, only that one counts, because loading is a
    small part of it. `check` is called between the calls and may raise.
    """
    begin = time.perf_counter_ns()
    result = call()
    first_ms = (time.perf_counter_ns() - begin) / 1e6
    check()
    if first_ms > slow_ms:
        return result, [first_ms]
    until = time.perf_counter() + max_s
    latencies_ms: list[float] = []
    while True:
        begin = time.perf_counter_ns()
        result = call()
        latencies_ms.append((time.perf_counter_ns() - begin) / 1e6)
        check()
        if len(latencies_ms) >= most or time.perf_counter() > until:
            return result, latencies_ms
