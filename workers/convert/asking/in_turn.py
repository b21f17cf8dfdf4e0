"""A short comparison of two ways to the same answer, in one process: rough, enough to see what is worth more."""

import time
from collections.abc import Callable, Sequence

Call = Callable[[], object]


def in_turn(
    first: Call,
    second: Call,
    check: Callable[[], None],
    of_block: Callable[[Sequence[float]], float],
    *,
    rounds: int,
    least_rounds: int,
    block_s: float,
    max_s: float,
) -> list[tuple[float, float]]:
    """What `of_block` makes of a block's seconds, for both, in each round; who begins changes from round to round.

    Ends after `rounds`, or after `max_s` once there are `least_rounds`. `check` is called before each (it may raise).
    """
    both = (first, second)
    for call in both:
        call()
        call()
    found: list[tuple[float, float]] = []
    end_s = time.monotonic() + max_s
    while len(found) < rounds and (len(found) < least_rounds or time.monotonic() < end_s):
        check()
        order = (0, 1) if len(found) % 2 == 0 else (1, 0)
        seconds = {which: of_block(_block(both[which], block_s)) for which in order}
        found.append((seconds[0], seconds[1]))
    return found


def _block(call: Call, block_s: float) -> list[float]:
    spans: list[float] = []
    while sum(spans) < block_s:
        begin = time.perf_counter()
        call()
        spans.append(time.perf_counter() - begin)
    return spans
