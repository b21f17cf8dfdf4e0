"""Collect the predictions of both versions of a cascade for examples and changed copies of them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
class CascadePair:
    """The two open versions and the pipeline that reads their predictions."""

    pipeline: Pipeline
    fast: "Session"
    exact: "Session"

    def close(self) -> None:
        """Close both versions."""
        self.fast.close()
        self.exact.close()


def predict_both(
    pair: CascadePair, items: Sequence[Feeds], spec: PipelineSpec, copies: int, max_s: float, ctx: JobContext
) -> tuple[Looks, Looks]:
    """Run both versions on all examples, and on `copies` changed copies of each, in random order and at most `max_s`.

    Returns:
        Two thirds to learn from and one third to check with; copies stay together with their example.
    """
    order = np.random.default_rng(ctx.seed).permutation(len(items)).tolist()
    cut = max(1, round(LEARN_SHARE * len(order)))

    def compared(numbers: list[int], share: float) -> Looks:
        end_s = time.monotonic() + share * max_s
        fast, exact, real = [], [], []
        total = len(numbers) * (1 + copies)
        for done, (feeds, is_real) in enumerate(_inputs(items, numbers, spec, copies, ctx.seed)):
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
        return look(first, second, spec.scores, np.array(real))

    return compared(order[:cut], LEARN_SHARE), compared(order[cut:], 1 - LEARN_SHARE)


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
