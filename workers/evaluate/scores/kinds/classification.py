"""Naming a class: right at once, right among five, by class, and how well percentages fit the truth.

Worked out in numpy: these are counts, and a library takes longer to load than the whole judgement. Tests hold them
against scikit-learn and torchmetrics.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import ScorePart, TaskScore
from workers.evaluate.confidence import BINS, bin_gaps
from workers.evaluate.pairs import Pair, make_pair
from workers.evaluate.scores.base import DRAWS, Case, Floats, Score, Words, alone, beside, mean_draws, weights

TOP_5 = 5
MOST_PARTS = 50

TOP1 = Words("top1", "Right answers", "how often the first answer is right")
TOP5 = Words("top5", "Right among five", "how often the right answer is among the first five")
ECE = Words("ece", "Calibration error", "how far percentages are from how often they come true", higher_is_better=False)
SAME = Words("same", "Same answers", "how often the answer is the original’s")
SAME5 = Words("same5", "Original among five", "how often the original’s answer is among the first five")


def fits(case: Case) -> bool:
    """Classes of whole items, of anything but texts."""
    return is_class(case) and case.data.kind != "texts"


def is_class(case: Case) -> bool:
    return case.old.predicted is not None and case.new.predicted is not None


def measure(case: Case) -> list[TaskScore]:
    return measure_as("classification", case)


def measure_as(task: str, case: Case) -> list[TaskScore]:
    """By labels on the labelled items; where there are none, by the original's answers."""
    pair = make_pair(case.data, case.old, case.new)
    labelled = pair.labelled
    if not labelled.any():
        return _against_original(task, case, pair)
    scores = [_top1(task, case, pair, labelled)]
    if pair.old_shares is None or pair.new_shares is None:
        return scores
    labels = [accepted for accepted in pair.labels if accepted]
    if pair.old_shares.shape[1] > TOP_5 and pair.new_shares.shape[1] > TOP_5:
        old = among(pair.old_shares[labelled], labels, TOP_5)
        new = among(pair.new_shares[labelled], labels, TOP_5)
        values = (float(old.mean()), float(new.mean()))
        scores.append(beside(TOP5, task, len(labels), values, mean_draws(new.astype(float) - old, case.seed)))
    right = pair.right(pair.old)[labelled], pair.right(pair.new)[labelled]
    sure = pair.old_shares[labelled].max(axis=1), pair.new_shares[labelled].max(axis=1)
    gaps = [bin_gaps(confidence, hits) for confidence, hits in zip(sure, right, strict=True)]
    errors = [float(np.abs(part.sum(axis=0)).sum()) / len(labels) for part in gaps]
    scores.append(beside(ECE, task, len(labels), (errors[0], errors[1]), _ece_draws(gaps, case.seed)))
    return scores


def _top1(task: str, case: Case, pair: Pair, labelled: NDArray[np.bool_]) -> TaskScore:
    old, new = pair.right(pair.old)[labelled], pair.right(pair.new)[labelled]
    values = (float(old.mean()), float(new.mean()))
    draws = mean_draws(new.astype(float) - old, case.seed)
    names = [case.data.class_name(accepted[0]) for accepted in pair.labels if accepted]
    return beside(TOP1, task, len(old), values, draws, by_class(names, old, new))


def by_class(names: Sequence[str], old: NDArray[np.bool_], new: NDArray[np.bool_]) -> list[ScorePart]:
    """The share of right answers of each class, the largest losses first."""
    each = np.asarray(names)
    parts = []
    for name in dict.fromkeys(names):
        at = each == name
        parts.append(
            ScorePart(name=name, n=int(at.sum()), original=float(old[at].mean()), optimized=float(new[at].mean()))
        )
    parts.sort(key=lambda part: (part.optimized - (part.original or 0.0), -part.n))
    return parts[:MOST_PARTS]


def among(shares: Floats, labels: Sequence[tuple[int, ...]], k: int) -> NDArray[np.bool_]:
    """Whether one of the accepted labels is among the `k` largest of each row; of equal ones the later counts first,
    as in scikit-learn's `top_k_accuracy_score`."""
    best = np.argsort(shares, axis=1, kind="stable")[:, ::-1][:, :k]
    return np.asarray(
        [bool(set(row) & set(accepted)) for row, accepted in zip(best.tolist(), labels, strict=True)], dtype=np.bool_
    )


def _ece_draws(gaps: Sequence[Floats], seed: int) -> Floats:
    both, n = np.hstack(gaps), len(gaps[0])
    block = max(1, 8_000_000 // max(n, 1))
    parts = []
    for start in range(0, DRAWS, block):
        sums = np.abs(weights(n, seed + start, min(block, DRAWS - start)) @ both) / n
        parts.append(sums[:, BINS:].sum(axis=1) - sums[:, :BINS].sum(axis=1))
    return np.concatenate(parts)


def _against_original(task: str, case: Case, pair: Pair) -> list[TaskScore]:
    n = len(pair.items)
    if not n:
        return []
    same = (~pair.changed).astype(np.float64)
    scores = [alone(SAME, task, n, float(same.mean()), mean_draws(same, case.seed))]
    if pair.new_shares is not None and pair.new_shares.shape[1] > TOP_5:
        near = among(pair.new_shares, [(int(k),) for k in pair.old], TOP_5).astype(np.float64)
        scores.append(alone(SAME5, task, n, float(near.mean()), mean_draws(near, case.seed)))
    return scores


SCORE = Score("classification", "Classification", "numpy", 10, fits, measure)
