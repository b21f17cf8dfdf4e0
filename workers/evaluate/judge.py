"""The verdict on one version: its predictions beside the original's, on the same test items."""

from workers.contracts.proof.proving import FIRST_LEVEL
from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.needed import needed_unlabelled
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.proof.tasks.numbers import TASK as NUMBERS_TASK
from workers.evaluate.scores.scoring import with_scores


def judge(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int = 0, earlier: int = 0) -> Judgement:
    """`old` and `new` are for the test items of `data` in their order; `max_loss_pct` is relative, in percent.

    `earlier` is how many looks at these items came before. ``unmeasured`` where the original gives no number at all, so
    that there is nothing to compare with.
    """
    case = case_of(data, old, new, seed)
    if not len(case.items):
        note = "The original gives no numbers (NaN) for these inputs, so that answers cannot be compared."
        margin = max_loss_pct / 100
        return Judgement(verdict="unmeasured", n=0, labelled=False, margin=margin, notes=(note,))
    judgement = with_scores(judge_case(case, max_loss_pct, earlier), case, max_loss_pct)
    told = _with_gone(_with_unjudged(_with_broken(judgement, data, old, new), old, new), old, new)
    return cap_made(told, data)


def cap_made(judgement: Judgement, data: DataSet) -> Judgement:
    """On inputs that Fettle made, nothing is ever proven safe for a person's own."""
    if data.origin != "made":
        return judgement
    note = "Answers were compared on inputs that Fettle made, not on examples of yours."
    told = judgement.model_copy(update={"notes": (note, *judgement.notes)})
    if judgement.verdict != "safe":
        return told
    missing = needed_unlabelled(judgement.margin, 0.0, 1 - FIRST_LEVEL)
    return told.model_copy(update={"verdict": "not_enough_data", "missing_examples": missing})


def _with_gone(judgement: Judgement, old: Answers, new: Answers) -> Judgement:
    """Outputs that only the original gives are told last: they count neither as alike nor as changed."""
    gone = [f"“{name}”" for name in old.others if name not in new.others]
    if not gone or not new.n:
        return judgement
    which = f"The output {gone[0]} is" if len(gone) == 1 else f"The outputs {', '.join(gone)} are"
    note = f"{which} not given any more, so nothing was compared there."
    return judgement.model_copy(update={"notes": (*judgement.notes, note)})


def _with_unjudged(judgement: Judgement, old: Answers, new: Answers) -> Judgement:
    """Where answers are plain numbers each further output is judged, too; else people read the answer alone."""
    names = [f"“{name}”" for name in old.others if name in new.others]
    if not names or not new.n or judgement.task == NUMBERS_TASK.id:
        return judgement
    which = f"The further output {names[0]} was" if len(names) == 1 else f"The further outputs {', '.join(names)} were"
    note = f"{which} not judged: only the answer was."
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
