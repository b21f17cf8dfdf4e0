"""Compare the speed of two loaded models briefly in one process, to decide which to measure properly."""

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workers.convert.asking.in_turn import in_turn
from workers.infer.base import Session

Feeds = Mapping[str, NDArray[np.generic]]

ROUNDS = 9
MIN_ROUNDS = 3
BLOCK_S = 0.06
WON_SHARE = 0.7
"""Share of rounds that the second model must win; gains caused by other programs show in fewer rounds."""

QUARTER = 25
"""Percentile of a block's times that is used, because other programs make requests slower, never faster."""


def gain(first: Session, second: Session, feeds: Sequence[Feeds], max_s: float, check: Callable[[], None]) -> float:
    """Return how many times as fast as `first` the session `second` is: the median over rounds in turn (ABBA).

    The result is 1 where `second` did not win most of the rounds. `check` is called between blocks and may raise.
    """
    rounds = in_turn(
        _asking(first, feeds),
        _asking(second, feeds),
        check,
        lambda spans: float(np.percentile(spans, QUARTER)),
        rounds=ROUNDS,
        least_rounds=MIN_ROUNDS,
        block_s=BLOCK_S,
        max_s=max_s,
    )
    ratios = [before / after for before, after in rounds]
    won = sum(ratio > 1 for ratio in ratios)
    return median(ratios) if won >= WON_SHARE * len(ratios) else 1.0


def _asking(session: Session, feeds: Sequence[Feeds]) -> Callable[[], object]:
    """Return a function that runs one request after the other and starts again after the last."""
    requests = cycle(feeds)
    return lambda: session.run(next(requests))
