"""Define a score: one module of `workers.evaluate.scores.kinds` with `SCORE = Score(...)` computes one kind of score.

Both models are scored on the same items. Intervals resample items (or whole sequences) for both at once, 1,000 times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import ScorePart, TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.stats import bootstrap_sums

DRAWS = 1000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One kind of score of one task. Each module of `workers.evaluate.scores.kinds` owns one instance.

    Attributes:
        id: Unique name.
        order: Position in the report.
        fits: Function that decides by the kind of predictions and labels whether the score applies.
        measure: Function that returns the values, the most important one first.
        gate: If True, the first value rejects a version whose loss is proven to exceed the person's limit. False for
            classes, which have their own gates.
    """

    id: str
    order: int
    fits: Callable[[Case], bool]
    measure: Callable[[Case], Sequence[TaskScore]]
    gate: bool = False


Metric = partial[TaskScore]
"""One metric: a `TaskScore` that lacks only the measured values."""


def metric(
    id: str, title: str, meaning: str, unit: Literal["share", "number", "dB"] = "share", higher_is_better: bool = True
) -> Metric:
    """Return a metric with its name and meaning for people."""
    return partial(TaskScore, id=id, title=title, meaning=meaning, unit=unit, higher_is_better=higher_is_better)


def score_by_labels(
    kind: Metric, task: str, n: int, values: tuple[float, float], draws: Floats, parts: Sequence[ScorePart] = ()
) -> TaskScore:
    """Return a score of both models by labels.

    Args:
        kind: The metric.
        task: The task, in words.
        n: Number of items.
        values: Values of the original and of the version.
        draws: Resampled differences (k,), version − original.
        parts: Values of single classes.
    """
    low, high = _interval(draws)
    pair = {"original": values[0], "optimized": values[1]}
    return kind(task=task, against="labels", n=n, low=low, high=high, parts=tuple(parts), **pair)


def score_by_original(kind: Metric, task: str, n: int, value: float, draws: Floats) -> TaskScore:
    """Return a score of the version against the original's predictions; `draws` (k,) are its resampled values."""
    low, high = _interval(draws)
    return kind(task=task, against="original", n=n, optimized=value, low=low, high=high)


def score_by_reference(
    kind: Metric, task: str, n: int, values: tuple[float, float], drawn: tuple[Floats, Floats], by_labels: bool
) -> TaskScore:
    """Return a score against references, which are labels or else the original's predictions.

    `drawn` are resampled values (k,) of both models.
    """
    if by_labels:
        return score_by_labels(kind, task, n, values, drawn[1] - drawn[0])
    return score_by_original(kind, task, n, values[1], drawn[1])


def _interval(draws: Floats) -> tuple[float | None, float | None]:
    """Return the middle 95 % of the draws; no interval if most draws are not finite (a single class, no spread)."""
    finite = draws[np.isfinite(draws)]
    if len(finite) < max(2, len(draws) // 2):
        return None, None
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


def mean_draws(values: NDArray[Any], seed: int) -> Floats:
    """Return the resampled means (draws,) or (draws, k) of values (n,) or (n, k)."""
    return bootstrap_sums(np.asarray(values, np.float64), seed, DRAWS) / len(values)
