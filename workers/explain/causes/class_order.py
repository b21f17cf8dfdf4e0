"""Find another order of classes from the answers themselves.

The order is found on one half of the examples and applied to the other half, so that it cannot fit by chance.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from workers.contracts.translation import _
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Rows, Side
from workers.pipeline.spec import Preprocess

MOST_CLASSES = 2000
"""The assignment of more classes takes too long."""


def reordered(first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Return the first side's answers, and the second's in the order found on the other half of the examples."""
    a, b = stacked(first), stacked(second)
    found: Rows = list(second)
    for half in (0, 1):
        order = order_of(a[1 - half :: 2], b[1 - half :: 2])
        for at in range(half, len(second), 2):
            found[at] = second[at].reshape(-1)[order].reshape(second[at].shape)
    return first, found


def stacked(rows: Rows) -> NDArray[Any]:
    """Return the answers as (n, classes); raise ValueError if there are too few, or they are no such rows."""
    if len(rows) < 2 or len({row.size for row in rows}) != 1 or rows[0].size != max(rows[0].shape, default=0):
        raise ValueError("no rows of classes")
    if not 2 <= rows[0].size <= MOST_CLASSES:
        raise ValueError("too few or too many classes")
    return np.stack([row.reshape(-1) for row in rows])


def order_of(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each class (k,) of `first` (n, k) the position of the class in `second` (n, k) that fits best."""
    from scipy.optimize import linear_sum_assignment

    if first.shape[1] != second.shape[1]:
        raise ValueError("another number of classes")
    squares = (first**2).sum(axis=0)[:, None] + (second**2).sum(axis=0)[None] - 2 * first.T @ second
    return np.asarray(linear_sum_assignment(np.nan_to_num(squares, nan=np.inf, posinf=1e30))[1], np.int64)


def found_order(first: Rows, second: Rows) -> JsonValue:
    """Return the order found on all examples, as positions in the second side's answers."""
    return [int(at) for at in order_of(stacked(first), stacked(second))]


def propose(side: Side, steps: Preprocess, runner: Runner) -> Iterable[Proposal]:
    """Yield the order that the answers show."""
    if side.spec.answer_kind in ("class", "labels", "tensor") and side.spec.postprocess is None and not side.spec.links:
        changed, words = side.with_answers(reordered), _("its classes in another order")
        yield Proposal(changed, "classes", "other", None, words, gives=True, found=found_order)


CAUSE = CauseKind("class_order", order=90, propose=propose)
