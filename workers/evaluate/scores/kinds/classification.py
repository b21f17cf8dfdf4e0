"""Score classification: top-1, top-5, accuracy by class, and calibration.

The scores are computed in numpy: they are counts, and a library takes longer to load than the whole judgement. Tests
compare them with scikit-learn and torchmetrics.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import ScorePart, TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.confidence import BINS, bin_gaps
from workers.evaluate.proof.pairs import ClassPredictions, class_predictions
from workers.evaluate.proof.tasks.classes import fits
from workers.evaluate.scores.base import Floats, Metric, Score, mean_draws, metric, score_by_labels, score_by_original

TOP_5 = 5
MOST_PARTS = 50

TOP1 = metric("top1", "Right answers", "how often the first answer is right")
TOP5 = metric("top5", "Right among five", "how often the right answer is among the first five")
ECE = metric(
    "ece", "Calibration error", "how far percentages are from how often they come true", higher_is_better=False
)
SAME = metric("same", "Same answers", "how often the answer is the original’s")
SAME5 = metric("same5", "Original among five", "how often the original’s answer is among the first five")


def measure(case: Case) -> list[TaskScore]:
    """Return the scores of a classifier.

    Labelled items are scored by their labels. Without any label, the original's predictions are the reference.
    """
    task = "text classification" if case.data.kind == "texts" else "classification"
    pair = class_predictions(case)
    labelled = pair.labelled
    if not labelled.any():
        return _against_original(task, case, pair)
    labels = [ids for ids in pair.labels if ids]
    right = pair.right(pair.old)[labelled], pair.right(pair.new)[labelled]
    names = [case.data.class_name(accepted[0]) for accepted in labels]
    rows = [(TOP1, right, by_class(names, *right))]
    shares = pair.old_shares, pair.new_shares
    if shares[0] is None or shares[1] is None:
        return _scores(task, case, rows, [])
    known = shares[0][labelled], shares[1][labelled]
    if min(part.shape[1] for part in known) > TOP_5:
        rows.append((TOP5, (among_five(known[0], labels), among_five(known[1], labels)), []))
    gaps = [bin_gaps(part.max(axis=1), hits) for part, hits in zip(known, right, strict=True)]
    return _scores(task, case, rows, gaps)


Hits = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _scores(
    task: str, case: Case, rows: Sequence[tuple[Metric, Hits, list[ScorePart]]], gaps: Sequence[Floats]
) -> list[TaskScore]:
    """Return all scores, computed from the same draws."""
    n = len(rows[0][1][0])
    draws = mean_draws(np.column_stack([*(new.astype(float) - old for _, (old, new), _ in rows), *gaps]), case.seed)
    scores = [
        score_by_labels(kind, task, n, (float(old.mean()), float(new.mean())), draws[:, column], parts)
        for column, (kind, (old, new), parts) in enumerate(rows)
    ]
    if gaps:
        before, after = (float(np.abs(part.mean(axis=0)).sum()) for part in gaps)
        bins = np.abs(draws[:, len(rows) :])
        changes = bins[:, BINS:].sum(axis=1) - bins[:, :BINS].sum(axis=1)
        scores.append(score_by_labels(ECE, task, n, (before, after), changes))
    return scores


def by_class(names: Sequence[str], old: NDArray[np.bool_], new: NDArray[np.bool_]) -> list[ScorePart]:
    """Return the share of right predictions of each class, the largest losses first."""
    each = np.asarray(names)
    members = ((name, each == name) for name in dict.fromkeys(names))
    parts = [
        ScorePart(name=name, n=int(at.sum()), original=float(old[at].mean()), optimized=float(new[at].mean()))
        for name, at in members
    ]
    return sorted(parts, key=lambda part: (part.optimized - (part.original or 0.0), -part.n))[:MOST_PARTS]


def among_five(shares: Floats, labels: Sequence[tuple[int, ...]]) -> NDArray[np.bool_]:
    """Return whether one of the accepted labels is among the five largest values of each row, (n,).

    Of equal values the later one counts first, as in scikit-learn's `top_k_accuracy_score`.
    """
    is_among = np.zeros(len(shares), dtype=np.bool_)
    numbers = np.arange(shares.shape[1])
    for column in range(max(map(len, labels), default=0)):
        at = np.asarray(
            [i for i, row in enumerate(labels) if len(row) > column and row[column] < len(numbers)], np.int64
        )
        label = np.asarray([labels[i][column] for i in at], np.int64)[:, None]
        part = shares[at]
        own = np.take_along_axis(part, label, axis=1)
        before = (part > own).sum(axis=1) + ((part == own) & (numbers > label)).sum(axis=1)
        is_among[at] |= before < TOP_5
    return is_among


def _against_original(task: str, case: Case, pair: ClassPredictions) -> list[TaskScore]:
    n = len(pair.items)
    if not n:
        return []
    same = (~pair.changed).astype(np.float64)
    scores = [score_by_original(SAME, task, n, float(same.mean()), mean_draws(same, case.seed))]
    if pair.new_shares is not None and pair.new_shares.shape[1] > TOP_5:
        near = among_five(pair.new_shares, [(int(k),) for k in pair.old]).astype(np.float64)
        scores.append(score_by_original(SAME5, task, n, float(near.mean()), mean_draws(near, case.seed)))
    return scores


SCORE = Score("classification", 10, fits, measure)
