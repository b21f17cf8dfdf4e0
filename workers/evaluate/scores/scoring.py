"""All scores that fit a task, and what they say to the verdict."""

from workers.contracts.specs import Judgement, TaskScore
from workers.evaluate.scores.base import Case
from workers.evaluate.scores.registry import all_scores
from workers.evaluate.verdict import percent


def with_scores(judgement: Judgement, case: Case, max_loss_pct: float) -> Judgement:
    """The judgement with the scores of every adapter that fits; only a proven loss of the task itself changes it."""
    found: list[TaskScore] = []
    told = judgement
    for score in all_scores():
        if not score.fits(case):
            continue
        measured = score.measure(case)
        found += measured
        if score.gate and measured:
            told = _gated(told, measured[0], max_loss_pct)
    return told.model_copy(update={"scores": tuple(found)})


def _gated(judgement: Judgement, score: TaskScore, max_loss_pct: float) -> Judgement:
    """Regressed where the score by labels got worse for sure (95 % interval) and by the limit."""
    loss = loss_of(score)
    if loss is None or loss < max_loss_pct / 100 or loss == 0 or not is_proven(score):
        return judgement
    note = f"{score.title} got worse for sure, by {percent(loss)} of the original’s."
    return judgement.model_copy(
        update={"verdict": "regressed", "missing_examples": None, "notes": (note, *judgement.notes)}
    )


def loss_of(score: TaskScore) -> float | None:
    """How much worse, as a share of the original's value; None without labels."""
    if score.original is None:
        return None
    loss = score.original - score.optimized if score.higher_is_better else score.optimized - score.original
    return loss / abs(score.original) if score.original else float(loss > 0)


def is_proven(score: TaskScore) -> bool:
    """Whether the interval lies on the worse side of no change."""
    if score.low is None or score.high is None:
        return False
    return score.high < 0 if score.higher_is_better else score.low > 0
