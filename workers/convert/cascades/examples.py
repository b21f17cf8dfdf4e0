"""Collect the predictions of both versions of a cascade for examples and changed copies of them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.convert.asking.changed_inputs import Feeds, changed_copy
from workers.convert.cascades.threshold import Looks, look
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import PipelineSpec

if TYPE_CHECKING:
    from workers.infer.base import Session

LEARN_SHARE = 2 / 3


@dataclass(frozen=True)
class CascadeExamples:
    """Compared predictions of both versions; `real` (n,) marks original examples, the others are changed copies."""

    looks: Looks
    real: NDArray[np.bool_]


@dataclass(frozen=True)
class CascadePair:
    """The two open versions and the pipeline that reads their predictions."""

    pipeline: Pipeline
    fast: "Session"
    exact: "Session"

    def close(self) -> None:
        """Close both versions."""
        self.fast.close()
        self.exact.close()


@dataclass(frozen=True)
class Limits:
    """Limits of the comparison: at most `copies` changed copies of each example, and `max_s` seconds in all."""

    copies: int
    max_s: float


def predict_both(
    pair: CascadePair, items: Sequence[Feeds], spec: PipelineSpec, limits: Limits, ctx: JobContext
) -> tuple[CascadeExamples, CascadeExamples]:
    """Run both versions on all examples in random order.

    Returns:
        Two thirds to learn from and one third to check with; copies stay together with their example.
    """
    order = np.random.default_rng(ctx.seed).permutation(len(items)).tolist()
    cut = max(1, round(LEARN_SHARE * len(order)))
    learned = _ask(pair, items, order[:cut], spec, Limits(limits.copies, limits.max_s * LEARN_SHARE), ctx)
    judged = _ask(pair, items, order[cut:], spec, Limits(limits.copies, limits.max_s * (1 - LEARN_SHARE)), ctx)
    return learned, judged


def _ask(
    pair: CascadePair, items: Sequence[Feeds], numbers: list[int], spec: PipelineSpec, limits: Limits, ctx: JobContext
) -> CascadeExamples:
    end_s = time.monotonic() + limits.max_s
    fast, exact, real = [], [], []
    total = len(numbers) * (1 + limits.copies)
    for done, (feeds, is_real) in enumerate(_inputs(items, numbers, spec, limits.copies, ctx.seed)):
        ctx.check_cancelled()
        ctx.progress("Compare both versions", done, total, "examples")
        if time.monotonic() > end_s and done >= min(len(numbers), 4):
            break
        fast.append(pair.pipeline.answer(pair.fast, feeds))
        exact.append(pair.pipeline.answer(pair.exact, feeds))
        real.append(is_real)
    first, second = np.concatenate(fast), np.concatenate(exact)
    if first.ndim != 2 or first.shape[1] < 2 or len(first) != len(real):
        raise no_classes()
    return CascadeExamples(look(first, second, spec.scores), np.array(real))


def _inputs(
    items: Sequence[Feeds], numbers: list[int], spec: PipelineSpec, copies: int, seed: int
) -> Iterator[tuple[Feeds, bool]]:
    """Yield all examples first, then one copy of each, then a second one, because time may run out."""
    for index in numbers:
        yield items[index], True
    for number in range(copies):
        for index in numbers:
            yield changed_copy(items, index, number, spec, seed), False


def no_classes() -> InputRefused:
    """Return the error for models whose predictions are not single classes."""
    return InputRefused(
        "answers_are_no_classes",
        "This model gives no classes",
        "Only where each answer is one class out of several does its distance from the second tell how sure it is.",
        "Leave this step out of the recipe.",
    )


def share(flags: Any) -> float:
    """Return the share of true values; 0 where there are none."""
    return float(np.mean(flags)) if len(flags) else 0.0
