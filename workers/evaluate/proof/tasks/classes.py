"""Judge models that predict a class: another class is a changed result.

With two classes, or a single score, a moved score is a changed result, too. With more classes the confidence has to
stay the same on average.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _
from workers.contracts.wording import percent
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.confidence import ECE_LIMIT, calibration_change, calibration_error, kl_divergence
from workers.evaluate.proof.differences import Differences, Flags, Gate, Labels, ProofTask
from workers.evaluate.proof.notes import Notes
from workers.evaluate.proof.pairs import ClassPredictions, class_count, class_predictions, is_guessing
from workers.evaluate.proof.stats import binomial_lower, bootstrap_sums, mean_upper
from workers.pipeline.alike.shares import SCORE_MOVED

MOST_MOVED, MOVED_CONFIDENCE = 0.05, 0.99
"""Labels do not depend on a threshold that a person sets. If for sure more than this share of scores moved, the
version is rejected even if its classes are right. Scores of only 0, .5 and 1 passed by labels in 11 of 60 draws of 300
items.
"""

KL_MEAN, KL_TAIL = 0.05, 0.5
"""KL divergence in nats, on average and at the 99th percentile, that leads to a warning; it is never a gate."""


def compare(case: Case) -> Differences:
    """Return the differences of two classifiers. A version that gives NaN for an item is wrong there."""
    pair = class_predictions(case)
    notes = Notes()
    figures: dict[str, float | None] = {"kl_mean": _divergence(notes, pair)}
    moved = _moved(pair)
    changed = pair.changed | moved
    labels, is_broken, gates = _labels(case, pair, notes), False, list[Gate]()
    if labels is not None and labels.decide:
        figures["ece_change"], ece_broken = _calibration(notes, pair, labels, case.seed)
        is_broken = _many_moved(notes, moved) or ece_broken
    else:
        gates = _sureness_kept(pair, case.seed)
    sure = pair.old_shares.max(axis=1) if pair.old_shares is not None else np.zeros(len(pair.items))
    return Differences(
        items=pair.items, changed=changed, severity=pair.changed + sure,
        classes=[case.data.class_name(int(one)) for one in pair.old], labels=labels, notes=notes.lines,
        figures=figures, broken=is_broken, gates=gates,
    )  # fmt: skip


def _sureness_kept(pair: ClassPredictions, seed: int) -> list[Gate]:
    """Return a gate on the mean change of the confidence, for three classes or more.

    Single probabilities scatter in every version: by .003 on average in an INT8 version that kept its classes, by .07
    in one that lost a tenth. A version that gives 35 % where the original gives 92 % falls below thresholds that people
    set. Higher confidence elsewhere does not compensate for it. If labels decide, the calibration error is used
    instead.
    """
    old, new = pair.old_shares, pair.new_shares
    if old is None or new is None or old.shape[1] <= 2:
        return []
    moved = np.abs(new.max(axis=1) - old.max(axis=1))
    report = _("How sure it is differs from the original on average")
    draws = bootstrap_sums(moved, seed) / len(moved)
    return [Gate(float(moved.mean()), draws, 0.0, report, SCORE_MOVED, exact=partial(mean_upper, moved))]


def _moved(pair: ClassPredictions) -> Flags:
    """Return where the only independent score moved by more than .1, (n,).

    False everywhere for three classes or more.
    """
    old, new = pair.old_shares, pair.new_shares
    if old is None or new is None or old.shape[1] > 2:
        return np.zeros(len(pair.items), np.bool_)
    return np.asarray(np.abs(new - old).max(axis=1) > SCORE_MOVED, np.bool_)


def _many_moved(notes: Notes, moved: Flags) -> bool:
    count = int(moved.sum())
    too_many = binomial_lower(count, len(moved), MOVED_CONFIDENCE) > MOST_MOVED
    notes.add(
        _("{0:,} of {1:,} scores moved by more than {2}: that matters if you set a threshold of your own.").format(
            count, len(moved), SCORE_MOVED
        ),
        when=too_many,
    )
    return too_many


def _labels(case: Case, pair: ClassPredictions, notes: Notes) -> Labels | None:
    """Return the labels; None if there are none. They do not decide if the original is no better than guessing."""
    at = pair.labelled
    count = int(at.sum())
    if not count:
        return None
    right_old, right_new = pair.right(pair.old), pair.right(pair.new)
    hits = int(right_old[at].sum())
    guesses = is_guessing(pair.labels, hits, class_count(case))
    notes.add(
        _(
            "The original is right on {0} of the labelled examples, no better than guessing: the labels or the "
            "preprocessing probably do not fit. Changed answers decide instead of the labels."
        ).format(percent(hits / count)),
        when=guesses,
    )
    return Labels(at, right_old, right_new, decide=not guesses)


def _divergence(notes: Notes, pair: ClassPredictions) -> float | None:
    """Return the mean KL divergence and add a warning if it is large; it is never a gate."""
    if pair.old_shares is None or pair.new_shares is None:
        return None
    values = kl_divergence(pair.old_shares, pair.new_shares)
    mean, worst = float(values.mean()), float(np.quantile(values, 0.99))
    notes.add(
        _(
            "Its confidence changed more than its answers did (KL divergence {0:.3f} on average, {1:.2f} at the "
            "99th percentile)."
        ).format(mean, worst),
        when=mean > KL_MEAN or worst > KL_TAIL,
    )
    return mean


def _calibration(notes: Notes, pair: ClassPredictions, labels: Labels, seed: int) -> tuple[float | None, bool]:
    """Return the change of the calibration error, and whether it is proven and large enough to reject the version."""
    if pair.old_shares is None or pair.new_shares is None:
        return None, False
    at = labels.known
    old = _sureness(pair.old_shares, at), labels.right_old[at]
    new = _sureness(pair.new_shares, at), labels.right_new[at]
    change = calibration_error(*new) - calibration_error(*old)
    # The bootstrap is only worth its time if the change itself is large enough.
    too_much = change > ECE_LIMIT and calibration_change(old, new, seed)[1] > 0
    notes.add(
        _("Its percentages fit the truth less well than the original’s: the calibration error grew by {0}.").format(
            percent(change)
        ),
        when=too_much,
    )
    return change, too_much


def _sureness(shares: NDArray[np.float64], at: Flags) -> NDArray[np.float64]:
    return np.asarray(shares[at].max(axis=1), np.float64)


def fits(case: Case) -> bool:
    """Return whether both models predict classes."""
    return case.old.predicted is not None and case.new.predicted is not None


TASK = ProofTask("class", order=20, fits=fits, compare=compare)
