"""The verdict on one variant: its answers beside the original's, on the same test items."""

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.judge_classes import judge_classes
from workers.evaluate.proof.judge_scores import judge_scores
from workers.evaluate.proof.judge_sequences import judge_sequences
from workers.evaluate.proof.judge_vectors import LEAST_ITEMS, common_items, judge_vectors
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.proof.verdict import cap_boxes, cap_made
from workers.evaluate.scores.base import Case
from workers.evaluate.scores.scoring import with_scores


def judge(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int = 0) -> Judgement:
    """`old` and `new` answer the test items of `data` in their order; `max_loss_pct` is relative, in percent.

    ``unmeasured`` where the original gives no number at all, so that there is nothing to compare with.
    """
    items = common_items(data, old, new)
    if not len(items):
        note = "The original gives no numbers (NaN) for these inputs, so that answers cannot be compared."
        return Judgement(verdict="unmeasured", n=0, labelled=False, margin=max_loss_pct / 100, notes=(note,))
    if old.answer_kind == "tokens":
        judgement = judge_sequences(data, old, new, max_loss_pct, seed)
    elif old.predicted is not None and new.predicted is not None:
        judgement = judge_classes(data, old, new, max_loss_pct, seed)
    elif old.answer_kind == "score" and old.stateful:
        judgement = judge_scores(data, old, new, max_loss_pct, seed)
    else:
        judgement = judge_vectors(data, old, new, seed)
    judgement = with_scores(judgement, Case(data, old, new, items, seed), max_loss_pct)
    least = None if old.predicted is not None or old.answer_kind == "tokens" else LEAST_ITEMS
    told = _with_gone(_with_broken(judgement, data, old, new), old, new)
    return cap_boxes(cap_made(told, data, least), old.answer_kind)


def _with_gone(judgement: Judgement, old: Answers, new: Answers) -> Judgement:
    """Outputs that only the original gives are told last: they count neither as alike nor as changed."""
    gone = [f"“{name}”" for name in old.others if name not in new.others]
    if not gone or not new.n:
        return judgement
    which = f"The output {gone[0]} is" if len(gone) == 1 else f"The outputs {', '.join(gone)} are"
    note = f"{which} not given any more, so nothing was compared there."
    return judgement.model_copy(update={"notes": (*judgement.notes, note)})


def _with_broken(judgement: Judgement, data: DataSet, old: Answers, new: Answers) -> Judgement:
    """Answers that are no numbers are told first."""
    n = min(old.n, new.n, len(data.test))
    lines = []
    broken = int((old.finite[:n] & ~new.finite[:n]).sum())
    if broken:
        lines.append(f"For {broken:,} of {n:,} inputs the variant gives no number (NaN) where the original does.")
    left_out = int((~old.finite[:n]).sum())
    if left_out:
        lines.append(f"For {left_out:,} of {n:,} inputs the original gives no number (NaN); they are left out.")
    return judgement.model_copy(update={"notes": (*lines, *judgement.notes)}) if lines else judgement
