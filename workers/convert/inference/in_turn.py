"""Compare two functions briefly in one process, in turns: rough, but enough to choose what to measure further."""

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
    """Time both functions in turns and return a pair of `of_block` values for each round.

    The order alternates from round to round. `of_block` reduces the seconds of one block's calls to one number. The
    comparison ends after `rounds`, or after `max_s` seconds once there are `least_rounds`. `check` is called before
    each round and may raise.
    """
    both = (first, second)
    for call in both:
        call()
        call()
    times_s: list[tuple[float, float]] = []
    end_s = time.monotonic() + max_s
    while len(times_s) < rounds and (len(times_s) < least_rounds or time.monotonic() < end_s):
        check()
        order = (0, 1) if len(times_s) % 2 == 0 else (1, 0)
        seconds = {which: of_block(_block(both[which], block_s)) for which in order}
        times_s.append((seconds[0], seconds[1]))
    return times_s


def _block(call: Call, block_s: float) -> list[float]:
    spans: list[float] = []
    while sum(spans) < block_s:
        begin = time.perf_counter()
        call()
        spans.append(time.perf_counter() - begin)
    return spans
