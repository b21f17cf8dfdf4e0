"""Judging models that name a class: accuracy with labels, changed answers without, slices, calibration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import Judgement, SliceDrop
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.confidence import ECE_LIMIT, calibration_change, calibration_error, kl_divergence
from workers.evaluate.proof.groups import Group, groups_of
from workers.evaluate.proof.needed import needed_examples, needed_unlabelled
from workers.evaluate.proof.pairs import Pair, changed_items, classes_of, is_guessing, make_pair
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.proof.slices import Slice, broken, changed_slices, labelled_slices, worst_first
from workers.evaluate.proof.stats import (
    binomial_interval,
    binomial_lower,
    binomial_upper,
    drop_bounds,
    more_than_p,
)
from workers.evaluate.proof.verdict import (
    AMBER_NEGATIVE_FLIPS,
    RED_NEGATIVE_FLIPS,
    Notes,
    decide,
    decide_unlabelled,
    still_missing,
)

MOST_TOLD = 3
"""Broken parts that are told in words."""


def judge_classes(data: DataSet, old: Answers, new: Answers, max_loss_pct: float, seed: int) -> Judgement:
    """Items to which the original gives no number are left out; a variant that gives none there is wrong."""
    pair = make_pair(data, old, new)
    notes = Notes()
    labelled = pair.labelled
    count = int(labelled.sum())
    hits = int(pair.right(pair.old)[labelled].sum())
    if count and is_guessing(pair.labels, hits, classes_of(data, old)):
        notes.add(
            f"The original is right on {percent(hits / count)} of the labelled examples, no better than guessing: the"
            " labels or the preprocessing probably do not fit. Changed answers decide instead of the labels."
        )
        return _judge_changes(data, pair, max_loss_pct, notes, seed)
    if count:
        return _judge_labels(data, pair, max_loss_pct, notes, seed)
    return _judge_changes(data, pair, max_loss_pct, notes, seed)


def _judge_labels(data: DataSet, pair: Pair, max_loss_pct: float, notes: Notes, seed: int) -> Judgement:
    """Accuracy decides, on the labelled items; unlabelled ones tighten the bound by their share of changes.

    However few answers change over all, a loss that the labelled items show is not talked away by the others.
    """
    at = pair.labelled
    right_old, right_new = pair.right(pair.old)[at], pair.right(pair.new)[at]
    n = len(right_old)
    b, c = int((right_old & ~right_new).sum()), int((~right_old & right_new).sum())
    margin = max_loss_pct / 100 * float(right_old.mean())
    changes, everything = int(pair.changed.sum()), len(pair.items)
    low, high = drop_bounds(b, c, n, seed)
    # answers that became right must not prove more than if none had changed: few examples are lucky now and then
    high = max(min(max(high, binomial_upper(0, n)), binomial_upper(changes, everything)), (b - c) / n)
    slices = labelled_slices(_labelled_groups(data, pair), right_old, right_new, margin)
    worse = broken(slices) if len(slices) > 1 else []
    _note_negative_flips(notes, b / n, b)
    _note_slices(notes, worse, slices)
    kl_mean = _note_divergence(notes, pair)
    ece, ece_broken = _calibration(notes, pair, right_old, right_new, seed)
    drop = (b - c) / n
    verdict = decide(more_than_p(b, c, n, margin), high, margin, bool(worse) or ece_broken)
    notes.add(
        f"It is a little worse for sure ({percent(drop)} fewer right answers), but not yet sure to lose more than the"
        f" {percent(margin)} that you allow.",
        when=verdict == "not_enough_data" and low > 0 and drop >= margin,
    )
    missing = None
    if verdict == "not_enough_data":
        missing = _missing((b + c) / n, n, changes / everything, everything, margin)
    return Judgement(
        verdict=verdict,
        n=everything,
        labelled=True,
        flips=(b + c) / n,
        negative_flips=b / n,
        drop=drop,
        drop_low=low,
        drop_high=high,
        margin=margin,
        missing_examples=missing,
        kl_mean=kl_mean,
        ece_change=ece,
        notes=tuple(notes.lines),
        **_in_common(pair, worst_first(slices)),
    )


def _judge_changes(data: DataSet, pair: Pair, max_loss_pct: float, notes: Notes, seed: int) -> Judgement:
    """Every changed answer counts against the variant."""
    n, changes = len(pair.items), int(pair.changed.sum())
    share, margin = changes / n, max_loss_pct / 100
    bounds = binomial_lower(changes, n), binomial_upper(changes, n)
    items = [data.test[i] for i in pair.items]
    slices = changed_slices(groups_of(items, [data.class_name(int(k)) for k in pair.old]), pair.changed, margin)
    worse = broken(slices) if len(slices) > 1 else []
    for part in worse[:MOST_TOLD]:
        notes.add(f"“{part.name}” changed most: {percent(part.drop)} of its {part.n:,} answers are others now.")
    kl_mean = _note_divergence(notes, pair)
    verdict = "regressed" if worse else decide_unlabelled(bounds, margin)
    missing = None
    if verdict == "not_enough_data":
        needed = needed_unlabelled(margin, share)
        missing = still_missing(needed if needed is not None else needed_examples(margin, share), n)
        notes.add(
            "More inputs without labels will hardly prove it: too many answers change. With labels, changes for the"
            " better count in its favor.",
            when=needed is None and changes > 0,
        )
    return Judgement(
        verdict=verdict,
        n=n,
        labelled=False,
        flips=share,
        drop=share,
        drop_low=bounds[0],
        drop_high=bounds[1],
        margin=margin,
        missing_examples=missing,
        kl_mean=kl_mean,
        notes=tuple(notes.lines),
        **_in_common(pair, worst_first(slices) if changes else ()),
    )


def _labelled_groups(data: DataSet, pair: Pair) -> list[Group]:
    at = np.flatnonzero(pair.labelled).tolist()
    names = [data.class_name(pair.labels[i][0]) for i in at]
    return groups_of([data.test[i] for i in pair.items[at]], names)


def _in_common(pair: Pair, slices: tuple[SliceDrop, ...]) -> dict[str, Any]:
    """Fields of a judgement that do not depend on what decides: accuracy where there are labels, changes, slices."""
    at = pair.labelled
    count, changes = int(at.sum()), int(pair.changed.sum())
    right_old, right_new = pair.right(pair.old)[at], pair.right(pair.new)[at]
    low, high = binomial_interval(int(right_new.sum()), count) if count else (None, None)
    return {
        "n_labelled": count,
        "accuracy": float(right_new.mean()) if count else None,
        "accuracy_low": low,
        "accuracy_high": high,
        "original_accuracy": float(right_old.mean()) if count else None,
        "agreement": 1 - changes / len(pair.items),
        "changed": changed_items(pair),
        "changed_count": changes,
        "slices": slices,
        "worst_slice": slices[0].name if slices else None,
        "worst_slice_drop": slices[0].drop if slices else None,
    }


def _missing(flips: float, n: int, changed: float, everything: int, margin: float) -> int | None:
    """The shorter of two ways to a proof: more labelled items, or more items of any kind if few answers change."""
    ways = [still_missing(needed_examples(margin, flips), n)]
    unlabelled = needed_unlabelled(margin, changed)
    if unlabelled is not None:
        ways.append(still_missing(unlabelled, everything))
    counts = [way for way in ways if way is not None]
    return min(counts) if counts else None


def _note_negative_flips(notes: Notes, share: float, count: int) -> None:
    if share > RED_NEGATIVE_FLIPS:
        notes.add(f"{count:,} answers that were right are wrong now ({percent(share)}): that is a lot.")
    elif share > AMBER_NEGATIVE_FLIPS:
        notes.add(f"{count:,} answers that were right are wrong now ({percent(share)}).")


def _note_slices(notes: Notes, worse: Sequence[SliceDrop], slices: Sequence[Slice]) -> None:
    for part in worse[:MOST_TOLD]:
        notes.add(f"“{part.name}” got clearly worse: {percent(part.drop)} fewer of its {part.n:,} are right.")
    facts = [part.facts for part in slices]
    notes.add(
        "In no part of the examples did enough answers change to judge it by itself.",
        when=len(facts) > 1 and any(part.changed for part in facts) and not any(part.judged for part in facts),
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
