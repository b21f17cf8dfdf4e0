"""Compute the verdict on one version from the differences that a proof task found, for every kind of result.

Without labels every changed result counts. The version is safe if the exact upper bound (Clopper-Pearson) of the share
changed is within the limit. It regressed if the lower bound is above the limit; otherwise there is not enough data.
With labels on all items the paired drop decides, or for a continuous score its paired bootstrap. With labels on a part
of the items, drop and share changed have half of the level each; a drop above the limit that the labels show is never
safe.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.proof.proving import level_of_look
from workers.contracts.specs import Judgement, Verdict
from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.evaluate.kinds import kinds_in
from workers.evaluate.proof.bounds import Counts, loss_bound
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, ProofTask
from workers.evaluate.proof.gates import REGRESSED_LEVEL, gated, in_items
from workers.evaluate.proof.groups import groups_of
from workers.evaluate.proof.needed import FAR_LEVEL, FAR_TIMES, could_prove, missing_items, missing_scored
from workers.evaluate.proof.notes import (
    Notes,
    explain_examples,
    explain_few,
    explain_looks,
    explain_lost,
    explain_negative_flips,
    explain_parts,
    explain_texts,
)
from workers.evaluate.proof.slices import Slice, broken, changed_slices, labelled_slices, wholly_changed, worst_first
from workers.evaluate.proof.stats import binomial_interval, binomial_lower, binomial_upper, more_than_p


def task_for(case: Case) -> ProofTask:
    """Return the first task that fits; the task for plain numbers fits everything."""
    from workers.evaluate.proof import tasks

    found: ProofTask = next(task for task in kinds_in(tasks, "TASK") if task.fits(case))
    return found


def compare_case(case: Case) -> Differences:
    """Return the noticeable differences of a case, found by the task that fits."""
    return task_for(case).compare(case)


MOST_CHANGED = 1000

LEAST_TO_REFUSE = 5
"""With fewer items, a single changed one is above a limit of 1 % for sure, whatever the version is like."""


@dataclass(frozen=True)
class _Bounds:
    """The estimate of the loss that decides, and its one-sided bounds; `high` has the level of this look."""

    estimate: float
    low: float
    high: float
    regressed: bool


def judge_case(case: Case, max_loss_pct: float, earlier: int = 0) -> Judgement:
    """Return the judgement of a case.

    Args:
        case: Predictions of both models.
        max_loss_pct: The largest allowed loss in percent, relative to the original.
        earlier: How many looks at these items came before this one.
    """
    task = task_for(case)
    compared = task.compare(case)
    limit = max_loss_pct / 100
    if compared.unseen or not len(compared.items):
        return _nothing(task.id, compared, limit)
    alpha, is_identical = level_of_look(earlier), case.is_identical
    counts = Counts.of(compared)
    notes = Notes([*compared.notes], [*compared.notes] if compared.broken else [])
    explain_examples(notes, len(case.items), is_identical, _left_out(case, compared), task.empty)
    ahead = level_of_look(earlier + could_prove(counts.independent, limit, alpha))
    by_labels = bool(counts.n) or compared.loss is not None
    margin = limit * _scale(compared) if by_labels else limit
    bounds = _bounds(compared, counts, limit, margin, alpha)
    slices = _slices(case, compared, counts, limit, margin)
    # A score by labels that decides alone weighs the changes of each part, so that parts are only displayed.
    alone = compared.loss is not None and compared.loss.alone
    worse = broken(slices) if len(slices) > 1 and not alone else []
    verdicts = [_verdict(bounds, margin, refused=bool(worse) or compared.broken)]
    if compared.loss is not None and not compared.loss.alone:
        verdicts.append(_verdict(_changed_bounds(counts, limit, alpha), limit, refused=False))
    verdict = _unless_few(worst_of(*verdicts, *gated(compared, limit, alpha, notes)), compared, notes)
    lost = (
        wholly_changed(slices, limit, *_judged_in_parts(compared, counts))
        if verdict == "safe" and len(slices) > 1 and not alone
        else []
    )
    if lost:
        verdict = "not_enough_data"
        explain_lost(notes, lost[0])
    is_open = verdict == "not_enough_data" and not lost
    missing = _missing(compared, counts, limit, margin, ahead) if is_open else None
    explain_parts(notes, worse, [facts for facts, _, _ in slices], by_labels=bool(counts.n))
    if counts.n:
        explain_negative_flips(notes, counts.b / counts.n, counts.b)
    if counts.needs_items(limit, alpha):
        explain_texts(notes, len(compared.items), limit)
    if is_open:
        _note_open(notes, counts, bounds, limit, None if not by_labels else margin)
    explain_looks(notes, earlier, alpha)
    shown = worst_first(slices) if counts.changes else ()
    return Judgement(
        task=task.id, level=alpha, verdict=verdict, n=len(compared.items), labelled=by_labels, margin=margin,
        missing_examples=missing, notes=tuple(notes.lines), reasons=tuple(notes.reasons), identical=is_identical,
        far_beyond=verdict == "regressed" and _is_far_beyond(compared, counts, limit, margin), slices=shown,
        worst_slice=shown[0].name if shown else None, worst_slice_drop=shown[0].drop if shown else None,
        **_figures(compared, counts, bounds, alpha),
    )  # fmt: skip


def _unless_few(verdict: Verdict, compared: Differences, notes: Notes) -> Verdict:
    """Return the verdict, but do not reject a version because of fewer than `LEAST_TO_REFUSE` items."""
    if verdict != "regressed" or len(compared.items) >= LEAST_TO_REFUSE or compared.broken:
        return verdict
    explain_few(notes, int(compared.changed.sum()), len(compared.items), LEAST_TO_REFUSE)
    return "not_enough_data"


def _left_out(case: Case, compared: Differences) -> int:
    """Return how many items do not count.

    Items of the gallery and items that are only displayed are reported elsewhere.
    """
    displayed = 0 if compared.beside is None else len(compared.beside.items)
    return max(0, len(case.items) - len(compared.items) - len(compared.searched) - displayed)


def _is_far_beyond(compared: Differences, counts: Counts, limit: float, margin: float) -> bool:
    """Return whether the loss is above `FAR_TIMES` the limit at the level `FAR_LEVEL`.

    At this level chance does not make such a version look safe.
    """
    if compared.loss is not None:
        return loss_bound(compared.loss.draws, FAR_LEVEL, FAR_LEVEL)[0] > FAR_TIMES * margin
    if counts.n:
        return more_than_p(counts.b, counts.c, counts.n, FAR_TIMES * margin) <= FAR_LEVEL
    return binomial_lower(counts.changes, counts.everything, 1 - FAR_LEVEL) > FAR_TIMES * limit


def _missing(compared: Differences, counts: Counts, limit: float, margin: float, alpha: float) -> int | None:
    """Return how many more items a proof at level `alpha` probably needs, considering everything that decides."""
    loss, more = compared.loss, list[int | None]()
    if loss is None or not loss.alone:
        more.append(in_items(missing_items(counts, limit, margin, alpha), counts, compared, limit, alpha))
    if loss is not None:
        more.append(missing_scored(loss, limit, counts.everything, alpha))
    known = [count for count in more if count is not None]
    return max(known) if len(known) == len(more) else None


def _note_open(notes: Notes, counts: Counts, bounds: _Bounds, limit: float, margin: float | None) -> None:
    """Add a note on why the version is neither safe nor regressed; `margin` is None if no labels decide."""
    if margin is None:
        notes.add(
            "More inputs without labels will hardly prove it: too many results change. With labels, changes for the "
            "better count in its favor.",
            when=counts.changes > 0 and counts.share >= limit,
        )
        return
    notes.add(
        _("It is a little worse for sure ({0}), but not yet sure to lose more than the {1} that you allow.").format(
            percent(bounds.estimate), percent(margin)
        ),
        when=bounds.low > 0 and bounds.estimate >= margin,
    )


def _figures(compared: Differences, counts: Counts, bounds: _Bounds, alpha: float) -> dict[str, Any]:
    """Return figures of the judgement that do not affect the verdict."""
    return {
        "flips": (counts.b + counts.c) / counts.n if counts.n else counts.share,
        "negative_flips": counts.b / counts.n if counts.n else None,
        "drop": bounds.estimate,
        "drop_low": bounds.low,
        "drop_high": bounds.high,
        "agreement": 1 - counts.share,
        "changed_high": counts.changed_upper(alpha),
        **_similarity(compared),
        **_accuracy(compared),
        "changed": _worst_first(compared, _rank(compared)),
        "changed_count": int(compared.changed.sum()),
        "beside_changed": _worst_first(compared.beside, None) if compared.beside is not None else (),
        **({} if compared.units is None else {"units": compared.units.total, "units_changed": compared.units.hits}),
        **compared.figures,
    }


def _nothing(task: str, compared: Differences, limit: float) -> Judgement:
    """Return the judgement for items that cannot prove anything about this kind of result."""
    notes = (compared.unseen,) if compared.unseen else ()
    return Judgement(
        task=task, verdict="not_enough_data", n=0, labelled=False, margin=limit, notes=notes, reasons=notes
    )


def _scale(compared: Differences) -> float:
    """Return the score of the original, of which the limit is a share."""
    if compared.loss is not None:
        return abs(compared.loss.original)
    assert compared.labels is not None
    return float(compared.labels.right_old[compared.labels.known].mean())


def _bounds(compared: Differences, counts: Counts, limit: float, margin: float, alpha: float) -> _Bounds:
    """Return the bounds of the loss that decides. Labels decide if there are any, and alone if all items have them."""
    if compared.loss is not None:
        loss = compared.loss
        partly = loss.items < counts.everything
        own_level = alpha / 2 if partly else alpha
        low, high = loss_bound(loss.draws, REGRESSED_LEVEL, own_level)
        # A bootstrap over a few unchanged items has no width, although unseen items may all be lost.
        high = max(high, binomial_upper(0, loss.items, 1 - own_level) * abs(loss.original))
        if partly and loss.drop <= margin:
            high = min(high, counts.changed_upper(alpha / 2) * margin / limit if limit else high)
        return _Bounds(loss.drop, low, high, regressed=low > margin)
    if not counts.n:
        return _changed_bounds(counts, limit, alpha)
    low = counts.drop_low(REGRESSED_LEVEL)
    return _Bounds(
        counts.drop,
        low,
        counts.upper(alpha, margin),
        more_than_p(counts.b, counts.c, counts.n, margin) <= REGRESSED_LEVEL,
    )


def _changed_bounds(counts: Counts, limit: float, alpha: float) -> _Bounds:
    low = binomial_lower(counts.changes, counts.everything, 1 - REGRESSED_LEVEL)
    return _Bounds(counts.share, low, counts.changed_upper(alpha), regressed=low > limit)


def worst_of(*verdicts: Verdict) -> Verdict:
    """Return the worst verdict.

    A version is safe only if it passes all tests. Each test has the full level (intersection-union test, Berger 1982).
    """
    return next((one for one in ("regressed", "not_enough_data") if one in verdicts), "safe")


def _verdict(bounds: _Bounds, margin: float, *, refused: bool) -> Verdict:
    if refused or bounds.regressed:
        return "regressed"
    return "safe" if bounds.high <= margin and bounds.estimate <= margin else "not_enough_data"


def _slices(case: Case, compared: Differences, counts: Counts, limit: float, margin: float) -> list[Slice]:
    facts = [case.data.test[i] for i in compared.items]
    if counts.n and (labels := compared.labels) is not None:
        at = np.flatnonzero(labels.known)
        labelled = [facts[i] for i in at]
        names = [case.data.class_name(item.labels[0]) for item in labelled] if compared.classes else None
        return labelled_slices(groups_of(labelled, names), labels.right_old[at], labels.right_new[at], margin)
    whole = [(group, compared.changed[group.members]) for group in groups_of(facts, compared.classes)]
    return changed_slices([*whole, *compared.parts], compared.changed, limit)


def _judged_in_parts(compared: Differences, counts: Counts) -> tuple[int, int]:
    """Return how many results changed, and how many there are, of those that `_slices` splits."""
    return (counts.b + counts.c, counts.n) if counts.n else (int(compared.changed.sum()), len(compared.items))


def _similarity(compared: Differences) -> dict[str, Any]:
    if compared.similarity is None:
        return {}
    return {"similarity": float(compared.similarity.mean()), "similarity_min": float(compared.similarity.min())}


def _accuracy(compared: Differences) -> dict[str, Any]:
    if compared.labels is None or not compared.labels.known.any():
        return {"n_labelled": 0}
    at = compared.labels.known
    old, new, count = compared.labels.right_old[at], compared.labels.right_new[at], int(at.sum())
    low, high = binomial_interval(int(new.sum()), count)
    return {
        "n_labelled": count, "accuracy": float(new.mean()), "accuracy_low": low, "accuracy_high": high,
        "original_accuracy": float(old.mean()),
    }  # fmt: skip


def _worst_first(compared: Differences, rank: NDArray[np.int64] | None) -> tuple[int, ...]:
    """Return the numbers of the changed items, sorted by `rank` (n,) and then the worst first."""
    at = np.flatnonzero(compared.changed)
    keys = (-compared.severity[at],) if rank is None else (-compared.severity[at], rank[at])
    return tuple(int(item) for item in compared.items[at[np.lexsort(keys)]][:MOST_CHANGED])


def _rank(compared: Differences) -> NDArray[np.int64]:
    """Return 0 for items that became wrong by their label, 2 for items that became right, and 1 for others, (n,)."""
    labels = compared.labels
    if labels is None:
        return np.ones(len(compared.items), np.int64)
    lost = labels.known & labels.right_old & ~labels.right_new
    gained = labels.known & ~labels.right_old & labels.right_new
    return np.asarray(np.where(lost, 0, np.where(gained, 2, 1)), np.int64)
