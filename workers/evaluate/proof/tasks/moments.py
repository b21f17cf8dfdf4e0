"""Judge models that give one score per time step and carry a state: over whole sequences, where small errors add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Floats, Loss, ProofTask
from workers.evaluate.proof.pairs import to_shares
from workers.evaluate.proof.stats import bootstrap_ratios
from workers.pipeline.alike.shares import SCORE_MOVED, THRESHOLD


@dataclass(frozen=True)
class Steps:
    """Scores (probabilities) of all labelled steps, one sequence after the other; all arrays are (m,).

    Attributes:
        old: Scores of the original.
        new: Scores of the version.
        labels: Labels of the steps.
        sequence: Number of the sequence that each step belongs to.
    """

    old: Floats
    new: Floats
    labels: NDArray[np.int64]
    sequence: NDArray[np.int64]


def compare(case: Case) -> Differences:
    """Return the differences of two models. A sequence changed if any of its scores moved by more than .1.

    Such a sequence has drifted, since 32-bit runtimes differ by .00003 and half precision by .24. With labels, accuracy
    at .5 decides.
    """
    changes = [_largest(to_shares(a, case.old.scores), to_shares(b, case.new.scores)) for a, b in case.pairs]
    moved = np.asarray(changes, np.float64)
    notes = [
        _("The largest change of a single score is {0:.2g}, over {1:,} sequences.").format(
            float(moved.max(initial=0)), len(moved)
        )
    ]
    changed = moved > SCORE_MOVED
    if changed.any():
        notes.append(_("Within a sequence its scores drift away from the original’s."))
    steps = labelled_steps(case)
    loss = None
    if steps is not None:
        loss = _loss(steps, case.seed)
        notes += _step_notes(steps)
    similarity = np.clip(1 - moved, 0.0, 1.0)
    return Differences(case.items, changed, moved, similarity=similarity, loss=loss, notes=notes)


def _largest(old: Floats, new: Floats) -> float:
    """Return the largest |new − old|; infinite if lengths differ or a new value is not finite."""
    if old.size != new.size or not np.isfinite(new).all():
        return float("inf")
    return float(np.abs(new.reshape(-1) - old.reshape(-1)).max(initial=0.0))


def labelled_steps(case: Case) -> Steps | None:
    """Return the scores of all steps with a label; None if there are none."""
    rows = []
    for number, item in enumerate(case.items):
        labels = case.data.steps[item] if len(case.data.steps) > item else None
        if labels is None:
            continue
        a, b = (to_shares(one.answer[item], one.scores).reshape(-1) for one in (case.old, case.new))
        count = min(len(labels), len(a), len(b))
        at = np.flatnonzero(labels[:count] >= 0)
        rows.append((a[at], b[at], labels[at], np.full(len(at), number)))
    if not any(len(row[0]) for row in rows):
        return None
    return Steps(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _loss(steps: Steps, seed: int) -> Loss:
    """Return the loss of accuracy. Steps of one sequence depend on each other, so whole sequences are resampled."""
    truth = steps.labels > 0
    right_old, right_new = (steps.old > THRESHOLD) == truth, (steps.new > THRESHOLD) == truth
    change = right_old.astype(np.float64) - right_new
    _, at = np.unique(steps.sequence, return_inverse=True)
    draws = bootstrap_ratios(np.bincount(at, change), np.bincount(at).astype(np.float64), seed)
    before, drop = float(right_old.mean()), float(change.mean())
    # People set their own thresholds, so correct steps at .5 alone prove nothing.
    return Loss("moments", before, drop, draws, int(at.max()) + 1, alone=False)


def _step_notes(steps: Steps) -> list[str]:
    """Return sentences about the area under the ROC curve and about scores on the other side of the threshold."""
    truth = steps.labels > 0
    before, after = auc(steps.old, truth), auc(steps.new, truth)
    lines = []
    if before is not None and after is not None:
        lines.append(_("Area under the ROC curve: {0:.4f}, the original’s {1:.4f}.").format(after, before))
    flipped = int(((steps.old > THRESHOLD) != (steps.new > THRESHOLD)).sum())
    if flipped:
        lines.append(_("{0:,} of {1:,} moments are on the other side of .5.").format(flipped, len(truth)))
    return lines


def auc(scores: Floats, truth: NDArray[np.bool_]) -> float | None:
    """Return the area under the ROC curve, ties at half; None if only one class is present or a score is not finite."""
    if truth.all() or not truth.any() or not np.isfinite(scores).all():
        return None
    return float(weighted_auc(scores, truth, np.ones((1, 1)), np.zeros(len(scores), np.int64))[0])


def weighted_auc(scores: Floats, truth: NDArray[np.bool_], times: Floats, sequence: NDArray[np.int64]) -> Floats:
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
    right, of = truth[order], sequence[order]
    areas = np.empty(len(times))
    for draw, counts in enumerate(times):
        weight = counts[of]
        positive = np.add.reduceat(np.where(right, weight, 0.0), start)
        negative = np.add.reduceat(np.where(right, 0.0, weight), start)
        below = np.cumsum(negative) - negative / 2
        whole = positive.sum() * negative.sum()
        areas[draw] = float(positive @ below) / whole if whole > 0 else np.nan
    return areas


TASK = ProofTask(
    "moments", order=30, fits=lambda case: case.old.answer_kind == "score" and case.old.stateful, compare=compare
)
