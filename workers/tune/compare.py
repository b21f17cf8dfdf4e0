"""A short comparison of two loaded models in one process: rough, but enough to see what is worth a real measurement."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workers.infer.base import Session

Feeds = Mapping[str, NDArray[np.generic]]

ROUNDS = 9
MIN_ROUNDS = 3
BLOCK_S = 0.06
WON_SHARE = 0.7
"""Of the rounds: a gain that other programs have made shows in some of them only."""

QUARTER = 25
"""Other programs make requests slower, never faster, so the fast ones of a block tell more."""


def gain(first: Session, second: Session, feeds: Sequence[Feeds], max_s: float, check: Callable[[], None]) -> float:
    """How many times faster `second` answers than `first`: the median over rounds in turn (ABBA).

    1 where it did not win most of the rounds. `check` is called between blocks (it may raise).
    """
    for session in (first, second):
        session.run(feeds[0])
        session.run(feeds[0])
    ratios: list[float] = []
    end_s = time.monotonic() + max_s
    while len(ratios) < ROUNDS and (len(ratios) < MIN_ROUNDS or time.monotonic() < end_s):
        check()
        order = (first, second) if len(ratios) % 2 == 0 else (second, first)
        spans = {id(session): _block(session, feeds) for session in order}
        ratios.append(spans[id(first)] / spans[id(second)])
    won = sum(ratio > 1 for ratio in ratios)
    return median(ratios) if won >= WON_SHARE * len(ratios) else 1.0


def _block(session: Session, feeds: Sequence[Feeds]) -> float:
    """Seconds of the faster quarter's slowest request in one block."""
    spans: list[float] = []
    while sum(spans) < BLOCK_S:
        begin = time.perf_counter()
        session.run(feeds[len(spans) % len(feeds)])
        spans.append(time.perf_counter() - begin)
    return float(np.percentile(spans, QUARTER))
