"""A short comparison of two loaded models in one process: rough, but enough to see what is worth a real measurement."""

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
"""Of the rounds: a gain that other programs have made shows in some of them only."""

QUARTER = 25
"""Other programs make requests slower, never faster, so the fast ones of a block tell more."""


def gain(first: Session, second: Session, feeds: Sequence[Feeds], max_s: float, check: Callable[[], None]) -> float:
    """How many times faster `second` answers than `first`: the median over rounds in turn (ABBA).

    1 where it did not win most of the rounds. `check` is called between blocks (it may raise).
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
    """One request after the other, from the first again after the last."""
    requests = cycle(feeds)
    return lambda: session.run(next(requests))
