"""Score voice activity, or any score per time step: how well scores separate the two kinds of time steps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.tasks.moments import auc, to_shares
from workers.evaluate.scores.base import Floats, Score, Words, beside, weights

DRAWS = 300
"""Fewer draws than elsewhere, because each draw goes over all time steps."""

AUC = Words("auc", "Tells speech from silence", "area under the ROC curve: .5 is guessing, 1 is never wrong")


def fits(case: Case) -> bool:
    """Return whether the model predicts one score per time step and some steps have labels."""
    steps = case.data.steps
    return (
        case.old.stateful
        and case.old.answer_kind == "score"
        and any(len(steps) > i and _known(steps[i]) for i in case.items)
    )


def _known(labels: NDArray[np.int64] | None) -> bool:
    return labels is not None and bool((labels >= 0).any())


def measure(case: Case) -> list[TaskScore]:
    """Return the area under the ROC curve over all labelled time steps. Whole sequences are resampled."""
    rows: list[tuple[Floats, Floats, NDArray[np.bool_]]] = []
    for i in case.items:
        labels = case.data.steps[i] if len(case.data.steps) > i else None
        if labels is None:
            continue
        old, new = to_shares(case.old.answer[i], case.old.scores), to_shares(case.new.answer[i], case.new.scores)
        count = min(len(labels), len(old), len(new))
        at = np.flatnonzero(labels[:count] >= 0)
        rows.append((old[at], new[at], labels[at] > 0))
    old, new, truth = (np.concatenate([row[column] for row in rows]) for column in range(3))
    if truth.all() or not truth.any() or not (np.isfinite(old).all() and np.isfinite(new).all()):
        return []
    values = tuple(auc(scores, truth) for scores in (old, new))
    if values[0] is None or values[1] is None:
        return []
    times = weights(len(rows), case.seed, DRAWS)
    sequence = np.repeat(np.arange(len(rows)), [len(row[2]) for row in rows])
    draws = weighted_auc(new, truth, times, sequence) - weighted_auc(old, truth, times, sequence)
    return [beside(AUC, "voice activity", len(truth), (values[0], values[1]), draws)]


def weighted_auc(
    scores: Floats, truth: Sequence[bool] | NDArray[np.bool_], times: Floats, sequence: NDArray[np.int64]
) -> Floats:
    """Return the area under the ROC curve if sequence s counts `times[draw, s]` times, (draws,).

    Ties count half. NaN if one class is missing.

    Args:
        scores: Scores (m,) of all time steps.
        truth: Whether each time step is positive (m,).
        times: How often each sequence counts (draws, sequences).
        sequence: Number of the sequence of each time step (m,).
    """
    order = np.argsort(scores, kind="stable")
    _, start = np.unique(scores[order], return_index=True)
    right, of = np.asarray(truth)[order], sequence[order]
    areas = np.empty(len(times))
    for draw, counts in enumerate(times):
        weight = counts[of]
        positive = np.add.reduceat(np.where(right, weight, 0.0), start)
        negative = np.add.reduceat(np.where(right, 0.0, weight), start)
        below = np.cumsum(negative) - negative / 2
        whole = positive.sum() * negative.sum()
        areas[draw] = float(positive @ below) / whole if whole > 0 else np.nan
    return areas


SCORE = Score("voice", "Voice activity", "numpy", 40, fits, measure, gate=True)
