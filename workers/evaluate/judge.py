"""The verdict on one version: its predictions beside the original's, on the same test items."""

import math

import numpy as np

from workers.contracts.proof.proving import FIRST_LEVEL, LEAST_EFFECT, LEAST_TEXTS
from workers.contracts.specs import Judgement
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.case import Case, case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.needed import needed_unlabelled
from workers.evaluate.proof.predictions import Answers, Values
from workers.evaluate.proof.tasks.detection import TASK as DETECTION_TASK
from workers.evaluate.proof.tasks.numbers import TASK as NUMBERS_TASK
from workers.evaluate.proof.tasks.numbers import other_changes
from workers.evaluate.scores.scoring import with_scores

ANCHORS = 3
"""Boxes that earlier forms of YOLO tell for each cell."""


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
    judgement = _with_things_beside(judgement, case, max_loss_pct / 100)
    judgement = _with_lost_outputs(judgement, old, new, max_loss_pct / 100)
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
    if missing is not None and judgement.units:
        by_words = math.ceil(missing * LEAST_EFFECT * judgement.n / judgement.units)
        missing = max(LEAST_TEXTS, missing, by_words)
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


def _with_lost_outputs(judgement: Judgement, old: Answers, new: Answers, limit: float) -> Judgement:
    """A further output that is no number any more is told; in more of the results than the limit allows it regressed,
    whoever reads it."""
    for name in (one for one in old.others if one in new.others and judgement.task != NUMBERS_TASK.id):
        pairs = list(zip(old.others[name], new.others[name], strict=False))
        lost = sum(bool(np.isfinite(a).all() and not np.isfinite(b).all()) for a, b in pairs)
        if lost:
            note = f"The further output “{name}” gives no number (NaN) in {lost:,} of {len(pairs):,} results."
            is_worse = lost > limit * len(pairs)
            told = {"verdict": "regressed", "reasons": (*judgement.reasons, note)} if is_worse else {}
            judgement = judgement.model_copy(update={**told, "notes": (note, *judgement.notes)})
    return judgement


def _with_things_beside(judgement: Judgement, case: Case, limit: float) -> Judgement:
    """What stands beside boxes (masks, key points of R-CNN: three axes and more) is seen by people as well: where more
    of it changed than the limit allows, or it is not given any more, a detector is not called safe by its boxes."""
    if judgement.task != DETECTION_TASK.id or judgement.verdict != "safe":
        return judgement
    others = case.old.others.items()
    shares = {name: 1.0 for name, values in others if len(values) and _is_beside_boxes(values[0], case.data)}
    if shares:
        shares |= {name: float(flags.mean()) for name, flags in other_changes(case).items() if name in shares}
    worst = max(shares, key=shares.__getitem__, default="")
    if not shares or shares[worst] <= limit:
        return judgement
    note = (
        f"The boxes are alike, but in {percent(shares[worst])} of the results the further output “{worst}” changed,"
        " which nothing here can judge."
    )
    return judgement.model_copy(update={"verdict": "not_enough_data", "notes": (note, *judgement.notes)})


def _is_beside_boxes(values: Values, data: DataSet) -> bool:
    """YOLO's own grids (anchors, rows, columns, 5 + classes) are what the boxes were made of."""
    width = 5 + len(data.classes) if data.classes else values.shape[-1]
    grid = values.ndim == 4 and (values.shape[0], values.shape[-1]) == (ANCHORS, width)
    return values.ndim >= 3 and not grid


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
