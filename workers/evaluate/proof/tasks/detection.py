"""Judge object detectors: are the same objects found, each by a box of the same class in the same place?

Predictions are decoded: rows (k, 6) of left, top, right, bottom, score, class in pixels of the model's input. They
include boxes below the threshold that may be borderline or count for mAP.
"""

from collections.abc import Sequence

import numpy as np

from workers.contracts.translation import _, mark
from workers.contracts.wording import percent
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_precision import by_labels
from workers.evaluate.proof.differences import Differences, Flags, Floats, Loss, Part, ProofTask
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.notes import not_labelled
from workers.evaluate.proof.stats import bootstrap_sums
from workers.pipeline.postprocess.matching import SCORE_MOVED, Boxes, Compared, boxes_of, compare_item, matched

SMALLEST = 1e-9
SELDOM = 0.01
"""A class with a smaller share of all boxes may be a mistake of the original."""

FITTING_MAP = 0.02
"""With a mean average precision below this, the labels describe something else: real detectors are far above."""


def compare(case: Case) -> Differences:
    """Return the differences of two detectors.

    Items are the pictures in which either finds something. Otherwise a detector that is blind in 1 % of all frames
    would be safe.
    """
    threshold = case.old.score_threshold
    old, new = ([boxes_of(values) for values in case.answers(which)] for which in ("old", "new"))
    pairs = [compare_item(a, b, threshold) for a, b in zip(old, new, strict=True)]
    lost = ~case.new.finite[case.items]  # NaN is a change even where there was nothing to find.
    seen = np.asarray([len(pair.classes) > 0 for pair in pairs], np.bool_) | lost
    sure = [[boxes.where(boxes.scores >= threshold) for boxes in side] for side in (old, new)]
    before, after = (sum(len(boxes.scores) for boxes in side) for side in sure)
    unseen = ""
    if not before:
        unseen = _("0 objects in {0:,} pictures: these examples cannot prove a detector.").format(len(pairs))
    kept = [pair for pair, is_seen in zip(pairs, seen, strict=True) if is_seen]
    shares = np.asarray([pair.unmatched.mean() if len(pair.classes) else 1.0 for pair in kept], np.float64)
    loss, misfit = _loss(case, seen, *sure)
    lost_by_labels = _broken_classes(case) if loss is not None else []
    counted = _("It finds {0:,} things where the original finds {1:,} (scores from {2:.2f} on).").format(
        after, before, threshold
    )
    notes = [counted] if before != after else []
    return Differences(
        items=case.items[seen], changed=shares > 0, severity=shares, similarity=1 - shares,
        parts=_class_parts(case, kept), notes=[*lost_by_labels, *notes, *misfit], loss=loss, unseen=unseen,
        broken=bool(lost_by_labels),
        figures={"n_labelled": loss.items} if loss is not None else {},
    )  # fmt: skip


def _loss(case: Case, seen: Flags, old: Sequence[Boxes], new: Sequence[Boxes]) -> tuple[Loss | None, list[str]]:
    """Return the loss by labels, and notes on why labels do not decide.

    Labels by which the original finds almost nothing do not fit it. Mean average precision only looks at the order of
    scores. A version whose scores all fell below the threshold keeps its mAP and shows people nothing. If all scores
    fell to just above the threshold, no box is certain. So the right boxes from the threshold on (F1) and their scores
    have to hold as well: the largest loss decides, as a share of the original's. Classes without labels are judged by
    the share changed in addition. Boxes that moved by less than a pixel count as unmoved, since strict overlaps react
    to invisible shifts.

    Args:
        case: Predictions of both models.
        seen: Pictures in which either model finds something (n,).
        old: The original's boxes from the threshold on.
        new: The version's boxes from the threshold on.
    """
    pair = case.once(by_labels)
    if pair is None:
        return None, []
    original = float(pair.original[0])
    if not original >= FITTING_MAP:
        what = _(
            "By the labels the original finds hardly anything (mAP {0:.3f}): the labels, their classes or "
            "the preparation probably do not fit. Changed results decide instead of the labels."
        ).format(original)
        return None, [what]
    labelled = sum(item.boxes is not None for item, is_seen in zip(case.facts, seen, strict=True) if is_seen)
    scale = np.maximum(pair.original[[0, 2]], SMALLEST)
    shares = np.asarray([original - pair.settled, pair.original[2] - pair.optimized[2]]) / scale
    drop, draws = float(shares.max()), (-np.stack([pair.settled_draws, pair.draws[:, 2]], axis=1) / scale).max(axis=1)
    notes, counts = [], _moved(old, new)
    if counts[:, 0].any():
        moved = float(counts[:, 0].sum() / counts[:, 1].sum())
        sums = bootstrap_sums(counts, case.seed, len(draws))
        drop, draws = max(drop, moved), np.maximum(draws, sums[:, 0] / np.maximum(sums[:, 1], 1))
        notes.append(_("Of {0} of the boxes the score moved by more than {1}.").format(percent(moved), SCORE_MOVED))
    if shares[1] > shares[0] and shares[1] > 0:
        was, is_ = pair.original[2], pair.optimized[2]
        notes.append(
            _(
                "Of the boxes from the threshold on fewer are right, or more are missing: F1 {0:.3f}, now {1:.3f}."
            ).format(was, is_)
        )
    alone = all(boxes.behind is None for boxes in old)  # No label holds key points, masks or angles.
    if strange := _not_labelled(case, old):
        alone = False
        notes.append(
            not_labelled(_("No label is of {0}: whether they are still found is judged by what changed."), strange)
        )
    return Loss("mAP", original, drop * original, draws * original, labelled, alone), notes


def _broken_classes(case: Case) -> list[str]:
    """Return a sentence about each class that is found less well by labels, which the mean of 80 classes hides."""
    pair = case.once(by_labels)
    assert pair is not None
    return [
        _("“{0}” is found less well: F1 {1:.3f}, the original {2:.3f}.").format(case.data.class_name(kind), now, was)
        for kind, was, now in pair.lost_classes()
    ]


def _not_labelled(case: Case, old: Sequence[Boxes]) -> list[str]:
    """Return the classes that the original finds sometimes and that no label has.

    By labels, losing them would be a gain.
    """
    classes = np.concatenate([boxes.classes for boxes in old])
    labelled = {int(box[4]) for item in case.facts for box in item.boxes or ()}
    found, counts = np.unique(classes, return_counts=True)
    named = zip(found.tolist(), (counts / max(1, len(classes))).tolist(), strict=True)
    return [case.data.class_name(kind) for kind, share in named if share > SELDOM and kind not in labelled]


def _moved(old: Sequence[Boxes], new: Sequence[Boxes]) -> Floats:
    """Return the number of boxes from the threshold on whose score moved, and the number of all such boxes, (n, 2)."""
    rows = [
        [(matched(mine, theirs, moved=1.0) & ~matched(mine, theirs)).sum(), len(mine.scores)]
        for mine, theirs in zip(old, new, strict=True)
    ]
    return np.asarray(rows, np.float64).reshape(-1, 2)


def _class_parts(case: Case, pairs: Sequence[Compared]) -> list[Part]:
    """Return one part for each class, with the items that contain it.

    An item changed there if an object of this class is lost or new.
    """
    if not pairs:
        return []
    item = np.repeat(np.arange(len(pairs)), [len(pair.classes) for pair in pairs])
    classes, unmatched = (np.concatenate(part) for part in zip(*((p.classes, p.unmatched) for p in pairs), strict=True))
    parts: list[Part] = []
    for one in np.unique(classes):
        holds = np.unique(item[classes == one])
        changed = np.isin(holds, item[(classes == one) & unmatched])
        parts.append((Group("class", case.data.class_name(int(one)), holds), changed))
    return parts


def fits(case: Case) -> bool:
    """Return whether both models predict decoded boxes."""
    return case.old.answer_kind == "detection" and case.old.decoded and case.new.decoded


TASK = ProofTask(
    "detection", order=15, fits=fits, compare=compare,
    empty=mark("{0:,} of {1:,} examples do not count: neither model finds a thing in them."),
)  # fmt: skip
