"""Compute all scores that fit a task, and apply their gates to the verdict."""

from workers.contracts.specs import Judgement, TaskScore
from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.evaluate.kinds import kinds_in
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.engine import LEAST_TO_REFUSE
from workers.evaluate.scores import kinds


def with_scores(judgement: Judgement, case: Case, max_loss_pct: float) -> Judgement:
    """Return the judgement with all scores that fit; only a score with a gate can change the verdict."""
    scores: list[TaskScore] = []
    for score in (score for score in kinds_in(kinds, "SCORE") if score.fits(case)):
        measured = score.measure(case)
        scores += measured
        if score.gate and measured:
            judgement = _gated(judgement, measured[0], max_loss_pct)
    return judgement.model_copy(update={"scores": tuple(scores)})


def _gated(judgement: Judgement, score: TaskScore, max_loss_pct: float) -> Judgement:
    """Apply the gate of a score by labels to the verdict.

    The version regressed if it lost more than the limit for sure (95 % interval). It is no longer safe if it lost
    something for sure and the measured loss exceeds the limit. With few examples nothing is rejected, because their
    resampled interval has hardly any width.
    """
    if judgement.n < LEAST_TO_REFUSE:
        return judgement
    loss, sure, limit = loss_of(score), sure_loss_of(score), max_loss_pct / 100
    if loss is None or sure is None or sure <= 0 or loss < limit:
        return judgement
    if sure > limit:
        note = _("{0} got worse for sure, by {1} of the original’s.").format(_(score.title), percent(loss))
        update = {"verdict": "regressed", "missing_examples": None}
    elif judgement.verdict == "safe":
        text = _("{0} got worse, by {1} of the original’s; more examples would show whether for sure.")
        note = text.format(_(score.title), percent(loss))
        update = {"verdict": "not_enough_data"}
    else:
        return judgement
    return judgement.model_copy(update={**update, "notes": (note, *judgement.notes)})


def loss_of(score: TaskScore) -> float | None:
    """Return the loss as a share of the original's value, above 0 for worse; None without labels."""
    if score.original is None:
        return None
    loss = score.original - score.optimized if score.higher_is_better else score.optimized - score.original
    return loss / abs(score.original) if score.original else float(loss > 0)


def sure_loss_of(score: TaskScore) -> float | None:
    """Return the least loss within the interval, as a share of the original's value.

    None without labels or interval.
    """
    if score.original is None or score.low is None or score.high is None:
        return None
    loss = -score.high if score.higher_is_better else score.low
    return loss / abs(score.original) if score.original else float(loss > 0)
