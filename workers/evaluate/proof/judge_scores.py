"""Judging models that give one score a time step and carry state: over whole sequences, where small errors add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import Judgement, Verdict
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.judge_vectors import common_items, judge_vectors
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.proof.similarity import largest_difference
from workers.evaluate.proof.stats import binomial_interval, ratio_bounds
from workers.evaluate.proof.verdict import Notes

SAFE_DIFFERENCE = 0.05
"""No score of a safe variant is further from the original's."""

DRIFT = 0.1
"""A score that moves by more within a sequence has drifted: 32-bit runtimes differ by .00003, half precision by .24."""

THRESHOLD = 0.5


@dataclass(frozen=True)
class Steps:
    """Scores (shares) of all labelled steps, one sequence after the other, and where each sequence ends."""

    old: NDArray[np.float64]
    new: NDArray[np.float64]
    labels: NDArray[np.int64]
    sequence: NDArray[np.int64]


def judge_scores(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int) -> Judgement:
    """By likeness and largest difference of whole sequences, and with labels by the accuracy at .5, too."""
    items = common_items(data, old, new)
    base = judge_vectors(data, old, new, seed)
    scores_old = [to_shares(old.answer[i], old.scores) for i in items]
    scores_new = [to_shares(new.answer[i], new.scores) for i in items]
    largest = largest_difference([s.astype(np.float32) for s in scores_old], [s.astype(np.float32) for s in scores_new])
    notes = Notes(list(base.notes))
    notes.add(f"The largest change of a single score is {largest:.2g}, over {len(items):,} sequences.")
    verdict = _verdict(base.verdict, largest, notes)
    judgement = base.model_copy(update={"verdict": verdict, "notes": tuple(notes.lines)})
    steps = _labelled_steps(data, items, scores_old, scores_new)
    if steps is None:
        return judgement
    return _with_labels(judgement, steps, max_loss_pct, notes, seed)


def to_shares(values: NDArray[np.float32], scores: str) -> NDArray[np.float64]:
    """Scores as probabilities."""
    numbers = values.astype(np.float64).reshape(-1)
    return numbers if scores == "probabilities" else 0.5 * (1 + np.tanh(0.5 * numbers))


def _verdict(verdict: Verdict, largest: float, notes: Notes) -> Verdict:
    if largest > DRIFT:
        notes.add("Within a sequence its scores drift away from the original’s.")
        return "regressed"
    if verdict == "safe" and largest > SAFE_DIFFERENCE:
        notes.add("Some scores move too far for a proof.")
        return "not_enough_data"
    return verdict


def _labelled_steps(
    data: DataSet,
    items: NDArray[np.int64],
    old: list[NDArray[np.float64]],
    new: list[NDArray[np.float64]],
) -> Steps | None:
    rows = []
    for number, (item, a, b) in enumerate(zip(items, old, new, strict=True)):
        labels = data.steps[item] if len(data.steps) > item else None
        if labels is None:
            continue
        count = min(len(labels), len(a), len(b))
        at = np.flatnonzero(labels[:count] >= 0)
        rows.append((a[at], b[at], labels[at], np.full(len(at), number)))
    if not any(len(row[0]) for row in rows):
        return None
    return Steps(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _with_labels(judgement: Judgement, steps: Steps, max_loss_pct: float, notes: Notes, seed: int) -> Judgement:
    """Steps of one sequence hang together, so that the bounds resample whole sequences."""
    truth = steps.labels > 0
    right_old, right_new = (steps.old > THRESHOLD) == truth, (steps.new > THRESHOLD) == truth
    lost, gained = right_old & ~right_new, ~right_old & right_new
    n, accuracy_old = len(truth), float(right_old.mean())
    margin = max_loss_pct / 100 * accuracy_old
    change = np.bincount(steps.sequence, lost.astype(np.float64) - gained).astype(np.float64)
    low, high = ratio_bounds(change, np.bincount(steps.sequence).astype(np.float64), seed)
    drop = float(lost.sum() - gained.sum()) / n
    verdict = judgement.verdict
    if low > margin:
        verdict = "regressed"
    elif verdict == "safe" and drop > margin:
        verdict = "not_enough_data"
    both = auc(steps.old, truth), auc(steps.new, truth)
    if both[0] is not None and both[1] is not None:
        notes.add(f"Area under the ROC curve: {both[1]:.4f}, the original’s {both[0]:.4f}.")
    flipped = float(((steps.old > THRESHOLD) != (steps.new > THRESHOLD)).mean())
    notes.add(f"{percent(flipped)} of {n:,} moments are on the other side of .5.", when=flipped > 0)
    interval = binomial_interval(int(right_new.sum()), n)
    return judgement.model_copy(
        update={
            "verdict": verdict,
            "labelled": True,
            "accuracy": float(right_new.mean()),
            "accuracy_low": interval[0],
            "accuracy_high": interval[1],
            "original_accuracy": accuracy_old,
            "negative_flips": float(lost.mean()),
            "drop": drop,
            "drop_low": low,
            "drop_high": high,
            "margin": margin,
            "notes": tuple(notes.lines),
        }
    )


def auc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve by ranks (Mann-Whitney), ties at half; None where only one class is there."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives or not np.isfinite(scores).all():
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))
