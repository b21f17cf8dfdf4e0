"""Judge numbers of unknown meaning: each output channel is compared with its own spread over the items.

Cosine or relative error over a whole tensor is never a gate. Coordinates of boxes are large numbers compared with their
scores, so a detector that no longer finds anything has a cosine of .9997 (meituan/YOLOv6#969).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import Item
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Floats, Loss, ProofTask
from workers.evaluate.proof.groups import MOST_VALUES
from workers.evaluate.proof.predictions import Values
from workers.evaluate.proof.stats import bootstrap_sums
from workers.pipeline.alike.channels import ERROR_SHARE, by_channel, channel_errors, channel_spreads

LEAST_FOR_BIAS = 20

MOST_TIMES = 3.0
"""Errors are also compared with all above this many times the 90th percentile of the original's cut to it."""

FITTING_ERROR = 0.9
"""With more of the error of a constant guess, the reference numbers describe something else."""

MISFIT = mark(
    "By the reference numbers the original is hardly better than always giving their median: the numbers, their unit "
    "or the preparation probably do not fit. Changed results decide instead of the labels."
)

OWN_ERROR = 1e-5
"""With at most this share of the error of a constant guess, the reference numbers are the original's own results. No
model fits measured numbers so closely.
"""

OWN = mark(
    "The reference numbers are the results of the original itself, so that any other result is worse by them. Changed "
    "results decide instead of the labels."
)

SILENT = 0.05
"""Scores below this are under any threshold that people set."""

BIAS_SHARE, FEW_CHANNELS = 0.03, 16
"""Single errors scatter and cancel out. If all errors of a channel lean to one side by this share of the spread, people
who read few numbers notice it in every sum. Of hundreds of channels some always lean.
"""


def compare(case: Case) -> Differences:
    """Return the differences by the worst channel of all float outputs, item by item.

    Items whose further outputs were too many to store are not judged, because they would count as unchanged.
    """
    case = case.only(_are_kept(case))
    errors = channel_errors(case.answers("old"), case.answers("new"))
    worst, whose = errors, np.zeros(len(errors), np.int64)
    names = [""]
    for name, old, new, at in _others(case):
        names.append(name)
        more = np.zeros(len(errors))
        more[at] = channel_errors(old, new)
        whose[more > worst] = len(names) - 1
        worst = np.maximum(worst, more)
    changed, notes = worst > ERROR_SHARE, list[str]()
    loss, bias = _loss(case, notes), _bias(case)
    leans = bias > BIAS_SHARE and loss is None
    if leans:
        notes.append(_("All of its numbers are shifted to one side, by {0} of their spread.").format(percent(bias)))
    if changed.any() and (culprit := names[int(whose[int(np.argmax(worst))])]):
        notes.append(_("The output “{0}” changed most, more than the answer itself.").format(culprit))
    unseen = _nothing_fires(case) if changed.any() or leans else ""
    similarity = np.clip(1 - worst, 0.0, 1.0)
    classes = class_names(case.facts)
    return Differences(
        case.items, changed, worst, similarity, classes, loss=loss, notes=notes, broken=leans, unseen=unseen
    )


def _nothing_fires(case: Case) -> str:
    """Return why a change among scores that are all near 0 proves nothing; "" if it proves something.

    The result is "" as well if reference numbers are known. A wake word detector gives .0004 where nobody says the
    word. Such scores may change by a tenth, far from any threshold.
    """
    if any(len(item.target) for item in case.facts):
        return ""
    values = [*case.answers("old"), *case.answers("new")]
    low, high = (float(of([of(part) for part in values if part.size] or [np.nan])) for of in (np.min, np.max))
    if not 0 <= low <= high < SILENT:
        return ""
    return _(
        "All values are between 0 and {0:.2g}. If they are scores, nothing fires in these {1:,} examples, so "
        "they cannot prove that it still does."
    ).format(high, len(case.items))


def _bias(case: Case) -> float:
    """Return the largest mean error of any channel as a share of its spread, reduced by two standard errors.

    Returns 0 for more than 16 channels, and if errors are not finite.
    """
    pairs = [(by_channel(a), by_channel(b)) for a, b in case.pairs if a.shape == b.shape]
    finite = [(a, b) for a, b in pairs if np.isfinite(b).all()]
    if len(finite) < LEAST_FOR_BIAS or len({len(a) for a, _ in finite}) != 1 or len(finite[0][0]) > FEW_CHANNELS:
        return 0.0
    errors = np.stack([(b - a).mean(axis=1) for a, b in finite]) / channel_spreads([a for a, _ in finite])[1]
    middle = np.abs(np.median(errors, axis=0))
    sure = np.minimum(middle, np.abs(errors.mean(axis=0))) - 2 * errors.std(axis=0) / np.sqrt(len(errors))
    return max(0.0, float(sure.max()))


def _loss(case: Case, notes: list[str]) -> Loss | None:
    """Return the loss of the mean absolute error by reference numbers, as a share of the original's; None without them.

    Returns None as well, and adds a note, if the original is hardly better than guessing (numbers in another unit make
    its error so large that no further error counts), or if the numbers are its own results.

    The channel that lost most decides, since one with tiny values counts like any other. Each channel counts also with
    its largest errors cut, since one wrong reference number may be larger than all other errors together. With many
    numbers the mean over all is used. In that case, and with further outputs, which have no reference numbers, the
    share changed decides as well.
    """
    known = has_target(case)
    if not known.any() or case.old.answer_kind != "tensor":
        return None
    part = case.only(known)
    truth, each = _truth_of(part)
    errors = np.asarray(
        [
            np.stack([_errors_of(a, right, each), _errors_of(b, right, each)])
            for (a, b), right in zip(part.pairs, truth, strict=True)
        ]
    )
    if not np.isfinite(errors).all():
        return None
    most = _most(errors[:, 0])
    cut = np.minimum(errors, most)
    if (cut[:, 0].mean(axis=0) > FITTING_ERROR * np.minimum(_guesses(truth, each), most).mean(axis=0)).any():
        notes.append(_(MISFIT))
        return None
    if are_own_results(case):
        notes.append(_(OWN))
        return None
    errors = np.concatenate([errors, cut], axis=2)
    before, after = errors.mean(axis=0)
    scale = np.where(before > 0, before, 1.0)
    lost = ((errors[:, 1] - errors[:, 0]) / scale).reshape(len(errors), -1)
    draws = bootstrap_sums(lost, case.seed) / len(errors)
    drop = float(((after - before) / scale).max())
    alone = each and not any(_others(case))
    return Loss("MAE", 1.0, drop, draws.max(axis=1), len(errors), alone)


def are_own_results(case: Case) -> bool:
    """Return whether the reference numbers are what the original itself gives, except for rounding."""
    part = case.only(has_target(case))
    truth, each = _truth_of(part)
    errors = [_errors_of(a, right, each) for a, right in zip(part.answers("old"), truth, strict=True)]
    return bool((np.median(errors, axis=0) <= OWN_ERROR * np.median(_guesses(truth, each), axis=0)).all())


def _truth_of(case: Case) -> tuple[list[Floats], bool]:
    """Return the reference numbers of each item, and whether each position is a channel: few, and as many for all."""
    truth = [np.asarray(item.target, np.float64) for item in case.facts]
    sizes = {len(right) for right in truth}
    return truth, len(sizes) == 1 and max(sizes) <= FEW_CHANNELS


def _most(errors: Floats) -> Floats:
    """Return where the errors (n, channels) of each channel are cut, (channels,)."""
    usual = np.quantile(errors, 0.9, axis=0)
    return np.where(usual > 0, MOST_TIMES * usual, np.inf)


def _guesses(truth: Sequence[Floats], each: bool) -> Floats:
    """Return the errors (n, channels) of the same guess for all items, the median of the reference numbers."""
    same = len({len(right) for right in truth}) == 1
    middle = np.median(truth, axis=0) if same else np.median(np.concatenate(truth))
    return np.asarray([_errors_of(np.broadcast_to(middle, right.shape), right, each) for right in truth])


def has_target(case: Case) -> NDArray[np.bool_]:
    """Return which items (n,) have as many reference numbers as the original predicts."""
    pairs = zip(case.answers("old"), case.facts, strict=True)
    return np.asarray([0 < len(item.target) == values.size for values, item in pairs], np.bool_)


def _errors_of(values: Values, right: Floats, each: bool) -> Floats:
    """Return the absolute errors (channels,): one for each number if `each`, otherwise one mean of all."""
    if values.size != right.size:
        return np.full(right.size if each else 1, np.inf)
    errors = np.abs(values.astype(np.float64).ravel() - right)
    return errors if each else errors.mean(keepdims=True)


def other_changes(case: Case) -> dict[str, NDArray[np.bool_]]:
    """Return for each further float output that both models give, which of its stored items changed."""
    return {name: channel_errors(old, new) > ERROR_SHARE for name, old, new, _ in _others(case)}


def _are_kept(case: Case) -> NDArray[np.bool_]:
    """Return for which items (n,) all outputs that both models give were stored."""
    sizes = [
        min(len(values), len(case.new.others[name]))
        for name, values in case.old.others.items()
        if name in case.new.others
    ]
    return np.asarray(case.items < min(sizes, default=case.old.n), np.bool_)


def _others(case: Case) -> Iterator[tuple[str, list[Values], list[Values], NDArray[np.int64]]]:
    """Yield each further float output: its name, both models' values, and the positions of the stored items."""
    for name, values in case.old.others.items():
        given = case.new.others.get(name, ())
        kept = [
            (at, int(item))
            for at, item in enumerate(case.items)
            if len(given) > item and np.isfinite(values[item]).all()
        ]
        if kept:
            places = np.asarray([at for at, _ in kept], np.int64)
            yield name, [values[i] for _, i in kept], [given[i] for _, i in kept], places


def class_names(items: Sequence[Item]) -> list[str] | None:
    """Return the labels as they were written, for slices; None if nearly every item has its own."""
    names = [item.group for item in items]
    different = len(set(filter(None, names)))
    return names if 1 < different <= max(MOST_VALUES, len(names) // 10) else None


TASK = ProofTask("numbers", order=100, fits=lambda case: True, compare=compare)
