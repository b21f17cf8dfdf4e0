"""A short comparison of two ways to the same answer, in one process: rough, and told as what was measured here."""

import time
from collections.abc import Callable
from statistics import median

ROUNDS, BLOCK_S, MAX_S = 7, 0.04, 4.0


def in_turn(first: Callable[[], None], second: Callable[[], None], check: Callable[[], None]) -> tuple[float, float]:
    """Median milliseconds of a call of each, over blocks in turn that change who begins.

    `check` is called between blocks (it may raise).
    """
    both = (first, second)
    for call in both * 2:
        call()
    found: dict[int, list[float]] = {0: [], 1: []}
    end_s = time.monotonic() + MAX_S
    for number in range(ROUNDS):
        if number > 1 and time.monotonic() > end_s:
            break
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            check()
            found[which].append(_block_ms(both[which]))
    return median(found[0]), median(found[1])


def _block_ms(call: Callable[[], None]) -> float:
    spans: list[float] = []
    while sum(spans) < BLOCK_S:
        begin = time.perf_counter()
        call()
        spans.append(time.perf_counter() - begin)
    return median(spans) * 1000
