"""Run the Square attack under the L∞ norm (Andriushchenko and others 2020, arXiv 1912.00049).

The attack needs only predictions and no gradients, so it works with any runtime. It starts with stripes, then tries
random squares that shrink as the queries are used up.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats, Generator
from workers.evaluate.stress.pixels import clipped

P_INIT = 0.8
"""Share of the picture that the first squares cover; the paper's value."""
SCHEDULE = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""The share is halved after each of these numbers of queries, of 10,000 (paper, section B)."""

Predict = Callable[[Floats, NDArray[np.intp]], Floats]
"""Function from inputs (k, C, H, W) in 0..1 and their numbers (k,) to scores (k, classes)."""


def square_attack(
    predict: Predict, inputs: Floats, classes: NDArray[np.int64], eps: float, queries: int, seed: int,
    check: Callable[[], None], restarts: int = 1,
) -> tuple[Floats, NDArray[np.bool_]]:  # fmt: skip
    """Return the changed inputs (n, C, H, W), and which of them are predicted as another class (n,).

    Each changed input is within `eps` of the unchanged one and in 0..1. Each input has its own random generator, so
    that two models are attacked with the same proposals.

    Args:
        predict: Function that returns the scores.
        inputs: Inputs (n, C, H, W) in 0..1.
        classes: Right class of each input (n,).
        eps: Largest change of a value.
        queries: Requests for each start. The unchanged input is one more request for each start, so that stripes are
            only taken where they help (as in ART).
        seed: Seed of the generators.
        check: Called between requests; may raise.
        restarts: Number of starts.
    """
    best = inputs.copy()
    fooled = np.zeros(len(inputs), bool)
    for restart in range(restarts):
        open_ones = np.flatnonzero(~fooled)
        if not len(open_ones):
            break
        starts, right = inputs[open_ones], classes[open_ones]
        rngs = [np.random.default_rng([seed, restart, int(i)]) for i in open_ones]
        found = starts.copy()
        check()
        margins = margin_of(predict(found, open_ones), right)
        for query in range(queries):
            left = np.flatnonzero(margins > 0)
            if not len(left):
                break
            share = share_at(query - 1, queries)
            moves = (
                _moved(found[i], starts[i], eps, share, rngs[i]) if query else _stripes(starts[i], eps, rngs[i])
                for i in left
            )
            tried = np.stack(list(moves))
            check()
            now = margin_of(predict(tried, open_ones[left]), right[left])
            better = now < margins[left]
            found[left[better]], margins[left[better]] = tried[better], now[better]
        best[open_ones], fooled[open_ones] = found, margins <= 0
    return best, fooled


def margin_of(scores: Floats, classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the score of the right class minus the largest other one, (n,); not above 0 if the prediction is wrong."""
    values = scores.astype(np.float64)
    rows = np.arange(len(values))
    right = values[rows, classes]
    values[rows, classes] = -np.inf
    others = values.max(axis=1)
    return np.where(np.isfinite(right) & np.isfinite(others), right - others, -1.0)


def share_at(query: int, queries: int) -> float:
    """Return the share of the picture that a square covers at this query."""
    at = query / queries * 10_000
    return float(P_INIT / 2 ** sum(at > limit for limit in SCHEDULE))


def _stripes(one: Floats, eps: float, rng: Generator) -> Floats:
    signs = rng.choice(np.asarray([-eps, eps], np.float32), (one.shape[0], 1, one.shape[2]))
    return clipped(one + signs)


def _moved(best: Floats, start: Floats, eps: float, share: float, rng: Generator) -> Floats:
    channels, height, width = start.shape
    side = max(1, round(float(np.sqrt(share * height * width))))
    high, wide = min(side, height), min(max(1, round(share * width)) if height == 1 else side, width)
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    tried = best.copy()
    place = (slice(None), slice(top, top + high), slice(left, left + wide))
    signs = rng.choice(np.asarray([-2 * eps, 2 * eps], np.float32), (channels, 1, 1))
    tried[place] = np.clip(tried[place] + signs, start[place] - eps, start[place] + eps)
    return clipped(tried)
