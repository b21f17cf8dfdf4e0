"""Score voice activity, or any score per time step: how well scores separate the two kinds of time steps."""

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.stats import draw_counts
from workers.evaluate.proof.tasks.moments import auc, labelled_steps, weighted_auc
from workers.evaluate.scores.base import Score, metric, score_by_labels

DRAWS = 300
"""Fewer draws than elsewhere, because each draw goes over all time steps."""

AUC = metric("auc", "Tells speech from silence", "area under the ROC curve: .5 is guessing, 1 is never wrong")


def fits(case: Case) -> bool:
    """Return whether the model predicts one score per time step and some steps have labels."""
    steps = [case.data.steps[i] for i in case.items if len(case.data.steps) > i]
    is_score = case.old.stateful and case.old.answer_kind == "score"
    return is_score and any(labels is not None and bool((labels >= 0).any()) for labels in steps)


def measure(case: Case) -> list[TaskScore]:
    """Return the area under the ROC curve over all labelled time steps. Whole sequences are resampled."""
    steps = labelled_steps(case)
    if steps is None or not np.isfinite([steps.old, steps.new]).all():
        return []
    truth = steps.labels > 0
    before, after = auc(steps.old, truth), auc(steps.new, truth)
    if before is None or after is None:
        return []
    different, sequence = np.unique(steps.sequence, return_inverse=True)
    times = draw_counts(np.random.default_rng(case.seed), len(different), DRAWS)
    drawn = [weighted_auc(scores, truth, times, sequence) for scores in (steps.old, steps.new)]
    return [score_by_labels(AUC, "voice activity", len(truth), (before, after), drawn[1] - drawn[0])]


SCORE = Score("voice", 40, fits, measure, gate=True)
