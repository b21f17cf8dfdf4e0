"""Judging models that name a class: accuracy with labels, changed answers without, slices, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import Judgement, SliceDrop
from workers.evaluate.answers import Answers
from workers.evaluate.confidence import ECE_LIMIT, calibration_change, calibration_error, kl_divergence
from workers.evaluate.dataset import DataSet
from workers.evaluate.needed import needed_examples, needed_unlabelled
from workers.evaluate.slices import broken, labelled_slices, unlabelled_slices
from workers.evaluate.stats import (
    CONFIDENCE,
    at_least,
    binomial_interval,
    binomial_lower,
    binomial_upper,
    drop_bounds,
)
from workers.evaluate.verdict import (
    AMBER_NEGATIVE_FLIPS,
    MOST_CHANGED,
    RED_NEGATIVE_FLIPS,
    Notes,
    decide,
    decide_unlabelled,
    percent,
    still_missing,
    worst_first,
)

GUESS_ITEMS = 20
"""From this many labelled items on, always naming the most frequent class counts as guessing."""


@dataclass(frozen=True)
class Pair:
    """Both models' answers to the same n items. `labels` are accepted classes, empty where there are none."""

    items: NDArray[np.int64]
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    labels: Sequence[tuple[int, ...]]
    old_shares: NDArray[np.float64] | None
    new_shares: NDArray[np.float64] | None

    @property
    def changed(self) -> NDArray[np.bool_]:
        return np.asarray(self.old != self.new, dtype=np.bool_)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        return np.asarray([bool(accepted) for accepted in self.labels], dtype=np.bool_)

    def right(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each answer is one of the accepted ones."""
        pairs = zip(answers.tolist(), self.labels, strict=True)
        return np.asarray([answer in accepted for answer, accepted in pairs], dtype=np.bool_)


def judge_classes(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int) -> Judgement:
    """Items to which the original gives no number are left out; a variant that gives none there is wrong."""
    pair = make_pair(data, old, new)
    notes = Notes()
    labelled = pair.labelled
    count = int(labelled.sum())
    hits = int(pair.right(pair.old)[labelled].sum())
    if count and is_guessing(pair.labels, hits, _classes_of(data, old)):
        notes.add(
            f"The original is right on {percent(hits / count)} of the labelled examples, no better than guessing: the"
            " labels or the preprocessing probably do not fit. Changed answers decide instead of the labels."
        )
        return _judge_changes(data, pair, max_loss_pct, notes, seed)
    if count:
        return _judge_labels(data, pair, max_loss_pct, notes, seed)
    return _judge_changes(data, pair, max_loss_pct, notes, seed)


def make_pair(data: DataSet, old: Answers, new: Answers) -> Pair:
    """Align two sets of answers with the labels."""
    assert old.predicted is not None and new.predicted is not None
    n = min(old.n, new.n, len(data.test))
    items = np.flatnonzero(old.predicted[:n] >= 0)
    return Pair(
        items=items,
        old=old.predicted[items],
        new=new.predicted[items],
        labels=[data.test[i].labels for i in items],
        old_shares=shares_of(old, items),
        new_shares=shares_of(new, items),
    )


def shares_of(answers: Answers, items: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """(n, classes) probabilities; a single score becomes two classes. None where items differ in their number."""
    rows = [answers.answer[i].reshape(-1) for i in items]
    if not rows or len({len(row) for row in rows}) != 1:
        return None
    values = np.nan_to_num(np.stack(rows).astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30)
    if answers.scores != "probabilities":
        if values.shape[1] == 1:
            values = 0.5 * (1 + np.tanh(0.5 * values))
        else:
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values


def is_guessing(labels: Sequence[tuple[int, ...]], hits: int, classes: int) -> bool:
    """Whether `hits` are no more than naming one class always would give (or any class, on a small set)."""
    labelled = [set(accepted) for accepted in labels if accepted]
    each = {label for accepted in labelled for label in accepted}
    chance = 1 / max(classes, len(each), 2)
    if len(labelled) >= GUESS_ITEMS and len(each) > 1:
        chance = max(sum(label in accepted for accepted in labelled) for label in each) / len(labelled)
    n = len(labelled)
    return hits / n <= chance or (n >= GUESS_ITEMS and at_least(hits, n, chance) > 1 - CONFIDENCE)


def _classes_of(data: DataSet, answers: Answers) -> int:
    if data.classes is not None:
        return len(data.classes)
    return int(answers.answer[0].size) if len(answers.answer) else 2


def _judge_labels(data: DataSet, pair: Pair, max_loss_pct: float, notes: Notes, seed: int) -> Judgement:
    """Accuracy decides, on the labelled items; unlabelled ones tighten the bound by their share of changes."""
    at = pair.labelled
    right_old, right_new = pair.right(pair.old)[at], pair.right(pair.new)[at]
    n = len(right_old)
    b, c = int((right_old & ~right_new).sum()), int((~right_old & right_new).sum())
    accuracy_old, accuracy_new = float(right_old.mean()), float(right_new.mean())
    margin = max_loss_pct / 100 * accuracy_old
    changes, everything = int(pair.changed.sum()), len(pair.items)
    low, high = drop_bounds(b, c, n, seed)
    high = min(high, binomial_upper(changes, everything))
    names = [data.class_name(accepted[0]) for accepted in pair.labels if accepted]
    slices = labelled_slices(names, right_old, right_new)
    worse = broken(slices, margin) if len(slices) > 1 else []
    _note_negative_flips(notes, b / n, b)
    _note_slices(notes, worse, slices)
    kl_mean = _note_divergence(notes, pair)
    ece, ece_broken = _calibration(notes, pair, right_old, right_new, seed)
    drop = (b - c) / n
    verdict = decide(drop, (low, high), margin, bool(worse) or ece_broken)
    missing = None
    if verdict == "not_enough_data":
        missing = _missing((b + c) / n, n, changes / everything, everything, margin)
    interval = binomial_interval(int(right_new.sum()), n)
    ordered = worst_first(slices)
    return Judgement(
        verdict=verdict,
        n=n,
        labelled=True,
        accuracy=accuracy_new,
        accuracy_low=interval[0],
        accuracy_high=interval[1],
        original_accuracy=accuracy_old,
        agreement=1 - changes / everything,
        flips=(b + c) / n,
        negative_flips=b / n,
        drop=drop,
        drop_low=low,
        drop_high=high,
        margin=margin,
        missing_examples=missing,
        changed=_changed_items(pair),
        changed_count=changes,
        worst_slice=ordered[0].name if ordered else None,
        worst_slice_drop=ordered[0].drop if ordered else None,
        kl_mean=kl_mean,
        ece_change=ece,
        slices=ordered,
        notes=tuple(notes.lines),
    )


def _judge_changes(data: DataSet, pair: Pair, max_loss_pct: float, notes: Notes, seed: int) -> Judgement:
    """Every changed answer counts against the variant."""
    n, changes = len(pair.items), int(pair.changed.sum())
    share, margin = changes / n, max_loss_pct / 100
    bounds = binomial_lower(changes, n), binomial_upper(changes, n)
    slices = worst_first(unlabelled_slices([data.class_name(int(k)) for k in pair.old], pair.changed))
    kl_mean = _note_divergence(notes, pair)
    verdict = decide_unlabelled(bounds, margin)
    missing = None
    if verdict == "not_enough_data":
        needed = needed_unlabelled(margin, share)
        missing = still_missing(needed if needed is not None else needed_examples(margin, share), n)
        notes.add(
            "More inputs without labels will hardly prove it: too many answers change. With labels, changes for the"
            " better count in its favor.",
            when=needed is None and changes > 0,
        )
    at = pair.labelled
    count = int(at.sum())
    right_old, right_new = pair.right(pair.old)[at], pair.right(pair.new)[at]
    interval = binomial_interval(int(right_new.sum()), count) if count else (None, None)
    return Judgement(
        verdict=verdict,
        n=n,
        labelled=False,
        accuracy=float(right_new.mean()) if count else None,
        accuracy_low=interval[0],
        accuracy_high=interval[1],
        original_accuracy=float(right_old.mean()) if count else None,
        agreement=1 - share,
        flips=share,
        drop=share,
        drop_low=bounds[0],
        drop_high=bounds[1],
        margin=margin,
        missing_examples=missing,
        changed=_changed_items(pair),
        changed_count=changes,
        worst_slice=slices[0].name if changes else None,
        worst_slice_drop=slices[0].drop if changes else None,
        kl_mean=kl_mean,
        slices=slices,
        notes=tuple(notes.lines),
    )


def _missing(flips: float, n: int, changed: float, everything: int, margin: float) -> int | None:
    """The shorter of two ways to a proof: more labelled items, or more items of any kind if few answers change."""
    ways = [still_missing(needed_examples(margin, flips), n)]
    unlabelled = needed_unlabelled(margin, changed)
    if unlabelled is not None:
        ways.append(still_missing(unlabelled, everything))
    counts = [way for way in ways if way is not None]
    return min(counts) if counts else None


def _changed_items(pair: Pair) -> tuple[int, ...]:
    """Items whose answer changed: lost ones first, then changes between wrong or unlabelled ones, gained ones last."""
    right_old, right_new = pair.right(pair.old), pair.right(pair.new)
    rank = np.where(right_old & ~right_new, 0, np.where(~right_old & right_new, 2, 1))
    certain = np.zeros(len(pair.items))
    if pair.old_shares is not None:
        certain = pair.old_shares.max(axis=1)
    at = np.flatnonzero(pair.changed)
    order = at[np.lexsort((-certain[at], rank[at]))]
    return tuple(int(item) for item in pair.items[order[:MOST_CHANGED]])


def _note_negative_flips(notes: Notes, share: float, count: int) -> None:
    if share > RED_NEGATIVE_FLIPS:
        notes.add(f"{count:,} answers that were right are wrong now ({percent(share)}): that is a lot.")
    elif share > AMBER_NEGATIVE_FLIPS:
        notes.add(f"{count:,} answers that were right are wrong now ({percent(share)}).")


def _note_slices(notes: Notes, worse: Sequence[SliceDrop], slices: Sequence[SliceDrop]) -> None:
    for part in worse[:3]:
        notes.add(f"“{part.name}” got clearly worse: {percent(part.drop)} fewer of its {part.n:,} are right.")
    notes.add(
        "In no class did enough answers change to judge it by itself.",
        when=len(slices) > 1 and any(part.changed for part in slices) and not any(part.judged for part in slices),
    )


def _note_divergence(notes: Notes, pair: Pair) -> float | None:
    """KL is a warning, never a gate."""
    if pair.old_shares is None or pair.new_shares is None or pair.old_shares.shape != pair.new_shares.shape:
        return None
    values = kl_divergence(pair.old_shares, pair.new_shares)
    mean, worst = float(values.mean()), float(np.quantile(values, 0.99))
    notes.add(
        f"How sure it is changed more than its answers did (KL divergence {mean:.3f} on average, {worst:.2f} at the"
        " 99th percentile).",
        when=mean > 0.05 or worst > 0.5,
    )
    return mean


def _calibration(
    notes: Notes, pair: Pair, right_old: NDArray[np.bool_], right_new: NDArray[np.bool_], seed: int
) -> tuple[float | None, bool]:
    """The change of the calibration error, and whether it is proven and large enough to refuse the variant."""
    if pair.old_shares is None or pair.new_shares is None:
        return None, False
    at = pair.labelled
    old = pair.old_shares[at].max(axis=1), right_old
    new = pair.new_shares[at].max(axis=1), right_new
    change = calibration_error(*new) - calibration_error(*old)
    # the resampling is only worth its time where the change itself is large enough
    too_much = change > ECE_LIMIT and calibration_change(old, new, seed)[1] > 0
    notes.add(
        f"Its percentages fit the truth less well than the original’s: the calibration error grew by"
        f" {percent(change)}.",
        when=too_much,
    )
    return change, too_much
