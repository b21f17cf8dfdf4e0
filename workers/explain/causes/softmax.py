"""Try answers as logits on one side and as probabilities, or their logarithms, on the other."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Rows, Side
from workers.pipeline.answers import sigmoid, softmax
from workers.pipeline.spec import Preprocess

ROUNDING = 0.01
"""Distance from 0 to 1 that 16-bit numbers may have."""
Function = Literal["softmax", "sigmoid", "exp"]
FUNCTIONS: dict[Function, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "softmax": softmax, "sigmoid": sigmoid, "exp": np.exp
}  # fmt: skip


def shares(first: Rows, second: Rows, functions: tuple[Function | None, Function | None]) -> tuple[Rows, Rows]:
    """Return both sides' answers as probabilities; those of a side without a function must be probabilities."""
    sides = []
    for rows, function in zip((first, second), functions, strict=True):
        is_share = [are_shares(row) for row in rows]
        if function is None and not all(is_share):
            raise ValueError("no probabilities")
        if function is not None and all(is_share):
            raise ValueError("probabilities already")
        with np.errstate(over="ignore"):
            sides.append([np.asarray(FUNCTIONS[function](row), np.float32) if function else row for row in rows])
    return sides[0], sides[1]


def are_shares(row: NDArray[Any]) -> bool:
    """Return whether all values can be probabilities."""
    return bool(row.size and np.isfinite(row).all() and row.min() >= 0 and row.max() <= 1 + ROUNDING)


def propose(side: Side, steps: Preprocess, runner: Runner) -> Iterable[Proposal]:
    """Yield the functions that make probabilities of one side's answers."""
    if side.spec.answer_kind not in ("class", "score", "labels", "tensor") or side.spec.postprocess is not None:
        return
    names: tuple[Function, ...] = ("softmax", "sigmoid")
    for name in names:
        inside = _("probabilities, with the {0} inside").format(name)
        yield Proposal(_with(side, name, None), name, "inside", "outside", inside, gives=True)
        outside = _("logits, without the {0}").format(name)
        yield Proposal(_with(side, None, name), name, "outside", "inside", outside, gives=True)
    logarithms: tuple[Function | None, ...] = ("softmax", None)
    for first in logarithms:
        words = _("logarithms of probabilities")
        yield Proposal(_with(side, first, "exp"), "log_softmax", "inside", "outside", words, gives=True)


def _with(side: Side, first: Function | None, second: Function | None) -> Side:
    return side.with_answers(partial(shares, functions=(first, second)), as_shares=True)


CAUSE = CauseKind("softmax", order=80, propose=propose)
