"""Judge one version by comparing its predictions with those of the original on the same test items."""

import math
from collections.abc import Iterator

import numpy as np

from workers.contracts.proof.proving import FIRST_LEVEL, LEAST_EFFECT, LEAST_TEXTS
from workers.contracts.specs import Judgement
from workers.contracts.translation import _, mark, ngettext
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.case import Case, case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.needed import needed_unlabelled
from workers.evaluate.proof.predictions import Predictions, Values
from workers.evaluate.proof.tasks.detection import TASK as DETECTION_TASK
from workers.evaluate.proof.tasks.numbers import TASK as NUMBERS_TASK
from workers.evaluate.proof.tasks.numbers import other_changes
from workers.evaluate.scores.scoring import with_scores

ANCHORS = 3
"""Number of anchor boxes per grid cell in early versions of YOLO."""


def judge(
    data: DataSet, old: Predictions, new: Predictions, max_loss_pct: float, seed: int = 0, earlier: int = 0
) -> Judgement:
    """Return the verdict on a version, based on both models' predictions for the test items.

    Args:
        data: The data set whose test items both models predicted.
        old: Predictions of the original, in the order of the test items.
        new: Predictions of the version, in the same order.
        max_loss_pct: The largest allowed loss in percent, relative to the original.
        seed: Seed of all resampling.
        earlier: How many looks at these items came before this one.

    Returns:
        The judgement. Its verdict is ``unmeasured`` if the original gives no finite number for any item, because then
        there is nothing to compare with.
    """
    case = case_of(data, old, new, seed)
    if not len(case.items):
        note = mark("The original gives no numbers (NaN) for these inputs, so that answers cannot be compared.")
        margin = max_loss_pct / 100
        return Judgement(verdict="unmeasured", n=0, labelled=False, margin=margin, notes=(note,))
    judgement = with_scores(judge_case(case, max_loss_pct, earlier), case, max_loss_pct)
    judgement = _with_further_results(judgement, case, max_loss_pct / 100)
    judgement = _with_lost_outputs(judgement, old, new, max_loss_pct / 100)
    judgement = _unless_constant(judgement, case)
    notes = (*_broken(data, old, new), *judgement.notes, *_not_judged(judgement, old, new))
    return cap_made(judgement.model_copy(update={"notes": notes}), data)


def cap_made(judgement: Judgement, data: DataSet) -> Judgement:
    """Replace the verdict "safe" by "not_enough_data" if Fettle generated the inputs.

    Generated inputs can never prove that a version is safe for a person's own data.
    """
    if data.origin != "made":
        return judgement
    note = mark("Answers were compared on inputs that Fettle made, not on examples of yours.")
    report = judgement.model_copy(update={"notes": (note, *judgement.notes)})
    if judgement.verdict != "safe":
        return report
    missing = needed_unlabelled(judgement.margin, 0.0, 1 - FIRST_LEVEL)
    if missing is not None and judgement.units:
        by_words = math.ceil(missing * LEAST_EFFECT * judgement.n / judgement.units)
        missing = max(LEAST_TEXTS, missing, by_words)
    return report.model_copy(update={"verdict": "not_enough_data", "missing_examples": missing})


def _not_judged(judgement: Judgement, old: Predictions, new: Predictions) -> Iterator[str]:
    """Yield notes about further outputs that were not judged, and about those that only the original gives.

    The task `numbers` judges every further output as well. In all other tasks people read only the main output. Outputs
    that only the original gives count neither as equal nor as changed.
    """
    names, gone = ([f"“{name}”" for name in old.others if (name in new.others) == is_kept] for is_kept in (True, False))
    if names and new.n and judgement.task != NUMBERS_TASK.id:
        yield ngettext(
            "The further output {0} was not judged: only the answer was.",
            "The further outputs {0} were not judged: only the answer was.",
            len(names),
        ).format(", ".join(names))
    if gone and new.n:
        yield ngettext(
            "The output {0} is not given any more, so nothing was compared there.",
            "The outputs {0} are not given any more, so nothing was compared there.",
            len(gone),
        ).format(", ".join(gone))


def _with_lost_outputs(judgement: Judgement, old: Predictions, new: Predictions, limit: float) -> Judgement:
    """Report further outputs in which the version gives NaN where the original gives numbers.

    If this happens in a larger share of the results than `limit`, the version regressed, even if its main output is
    unchanged.
    """
    for name in (one for one in old.others if one in new.others and judgement.task != NUMBERS_TASK.id):
        pairs = list(zip(old.others[name], new.others[name], strict=False))
        lost = sum(bool(np.isfinite(a).all() and not np.isfinite(b).all()) for a, b in pairs)
        if lost:
            note = _("The further output “{0}” gives no number (NaN) in {1:,} of {2:,} results.").format(
                name, lost, len(pairs)
            )
            is_worse = lost > limit * len(pairs)
            report = {"verdict": "regressed", "reasons": (*judgement.reasons, note)} if is_worse else {}
            judgement = judgement.model_copy(update={**report, "notes": (note, *judgement.notes)})
    return judgement


def _with_further_results(judgement: Judgement, case: Case, limit: float) -> Judgement:
    """Withdraw the verdict "safe" of a detector whose further outputs changed too often.

    People also see the masks and key points of an R-CNN (outputs with three or more axes). If such an output changed in
    a larger share of the results than `limit`, or is missing, equal boxes alone do not make the version safe.
    """
    if judgement.task != DETECTION_TASK.id or judgement.verdict != "safe":
        return judgement
    others = case.old.others.items()
    shares = {name: 1.0 for name, values in others if len(values) and _is_result(values[0], case.data)}
    if shares:
        shares |= {name: float(flags.mean()) for name, flags in other_changes(case).items() if name in shares}
    worst = max(shares, key=shares.__getitem__, default="")
    if not shares or shares[worst] <= limit:
        return judgement
    note = _(
        "The boxes are alike, but in {0} of the results the further output “{1}” changed, which nothing here can judge."
    ).format(percent(shares[worst]), worst)
    return judgement.model_copy(update={"verdict": "not_enough_data", "notes": (note, *judgement.notes)})


def _unless_constant(judgement: Judgement, case: Case) -> Judgement:
    """Withdraw the verdict "safe" if the original gives the same for all items.

    A version that ignores its input would give the same, too.
    """
    if judgement.verdict != "safe" or not case.is_constant:
        return judgement
    note = _(
        "The original gives the same result for all {0:,} examples, so they cannot show what becomes of others."
    ).format(len(case.items))
    update = {"notes": (note, *judgement.notes), "reasons": (*judgement.reasons, note)}
    return judgement.model_copy(update={"verdict": "not_enough_data", **update})


def _is_result(values: Values, data: DataSet) -> bool:
    """Return whether people see an output in addition to the boxes, such as masks or key points.

    The grids of YOLO (anchors, rows, columns, 5 + classes) do not, because the boxes are made from them.
    """
    width = 5 + len(data.classes) if data.classes else values.shape[-1]
    grid = values.ndim == 4 and (values.shape[0], values.shape[-1]) == (ANCHORS, width)
    return values.ndim >= 3 and not grid


def _broken(data: DataSet, old: Predictions, new: Predictions) -> Iterator[str]:
    """Yield notes about predictions that are NaN."""
    n = min(old.n, new.n, len(data.test))
    broken = int((old.finite[:n] & ~new.finite[:n]).sum())
    if broken:
        yield _("For {0:,} of {1:,} inputs the variant gives no number (NaN) where the original does.").format(
            broken, n
        )
    left_out = int((~old.finite[:n]).sum())
    if left_out:
        yield _("For {0:,} of {1:,} inputs the original gives no number (NaN); they are left out.").format(left_out, n)
