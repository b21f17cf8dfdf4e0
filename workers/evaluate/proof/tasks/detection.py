"""Boxes around things: are the same things found, each by a box of its class in its place?

Predictions are decoded: rows (k, 6) of left, top, right, bottom, score, class in pixels of the model's input, with
those below the threshold that may be borderline or count for mAP.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Flags, Floats, OwnPart, ProofTask
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.predictions import Values

COLUMNS = 6
LEAST_IOU = 0.7
SMALL_PX = 20.0
"""A box with a side below this is small: at IoU .7 its edges may differ by a pixel or two only, which rounding does."""

SMALL_OFF_PX = 2.0
BORDERLINE = 0.1
"""Where both scores lie within this share of the threshold, nobody relies on a box that is lost or new."""


@dataclass(frozen=True)
class Boxes:
    """Of one item: `corners` (k, 4), `scores` (k,), `classes` (k,)."""

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]

    def where(self, wanted: Flags) -> "Boxes":
        return Boxes(self.corners[wanted], self.scores[wanted], self.classes[wanted])


@dataclass(frozen=True)
class _Compared:
    """Of one item: classes of what either finds, and for each whether it is lost or new."""

    classes: NDArray[np.int64]
    unmatched: Flags


def compare(case: Case) -> Differences:
    """Items are those where either finds something, else a detector that is blind in 1 % of all frames were safe."""
    threshold = case.old.score_threshold
    pairs = [
        compare_item(boxes_of(old), boxes_of(new), threshold)
        for old, new in zip(case.answers("old"), case.answers("new"), strict=True)
    ]
    seen = np.asarray([len(pair.classes) > 0 for pair in pairs], np.bool_)
    found = sum(int((boxes_of(old).scores >= threshold).sum()) for old in case.answers("old"))
    unseen = ""
    if not found:
        unseen = f"0 objects in {len(pairs):,} pictures: these examples cannot prove a detector."
    kept = [pair for pair in pairs if len(pair.classes)]
    shares = np.asarray([float(pair.unmatched.mean()) for pair in kept], np.float64)
    return Differences(
        items=case.items[seen],
        changed=shares > 0,
        severity=shares,
        similarity=1 - shares,
        parts=_class_parts(case, kept),
        notes=_notes(case, threshold),
        unseen=unseen,
    )


def boxes_of(values: Values) -> Boxes:
    """Rows of six as boxes; without any where the prediction holds no finite numbers."""
    rows = values.reshape(-1, COLUMNS).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return Boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64))


def compare_item(old: Boxes, new: Boxes, threshold: float) -> _Compared:
    """Each confident box of either beside the other's boxes of its class: partners are at IoU ≥ .7, of small boxes
    within two pixels. One box has one partner: the pairs of the highest overlap first."""
    classes: list[NDArray[np.int64]] = []
    unmatched: list[Flags] = []
    for mine, theirs, both in ((old, new, True), (new, old, False)):
        sure = mine.where(mine.scores >= threshold)
        alone = ~matched(sure, theirs.where(theirs.scores >= threshold))
        near = sure.scores < threshold * (1 + BORDERLINE)
        if (alone & near).any():
            weak = theirs.where((theirs.scores >= threshold * (1 - BORDERLINE)) & (theirs.scores < threshold))
            alone &= ~(near & matched(sure, weak))
        # what only the second finds counts too; what both find is counted once
        kept = np.ones(len(alone), np.bool_) if both else alone
        classes.append(sure.classes[kept])
        unmatched.append(alone[kept])
    return _Compared(np.concatenate(classes), np.concatenate(unmatched))


def matched(mine: Boxes, theirs: Boxes) -> Flags:
    """(k,): whether each of `mine` has a partner of its own among `theirs`."""
    done = np.zeros(len(mine.scores), np.bool_)
    if not len(mine.scores) or not len(theirs.scores):
        return done
    overlap = ious(mine.corners, theirs.corners)
    off = np.abs(mine.corners[:, None] - theirs.corners[None]).max(axis=2)
    side = (mine.corners[:, 2:] - mine.corners[:, :2]).min(axis=1)
    near = (overlap >= LEAST_IOU) | ((side < SMALL_PX)[:, None] & (off <= SMALL_OFF_PX))
    near &= mine.classes[:, None] == theirs.classes[None]
    taken = np.zeros(len(theirs.scores), np.bool_)
    for at in np.argsort(-np.where(near, overlap, -1.0), axis=None, kind="stable"):
        one, other = divmod(int(at), near.shape[1])
        if near[one, other] and not done[one] and not taken[other]:
            done[one] = taken[other] = True
    return done


def ious(a: Floats, b: Floats) -> Floats:
    """(len(a), len(b)): intersection over union of boxes of left, top, right, bottom."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(part[:, 2:] - part[:, :2], 0, None).prod(axis=1) for part in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float64)


def _class_parts(case: Case, pairs: Sequence[_Compared]) -> list[OwnPart]:
    """Items that hold something of a class; an item changed there if something of that class is lost or new."""
    parts = []
    for one in np.unique(np.concatenate([pair.classes for pair in pairs])) if pairs else ():
        holds = [at for at, pair in enumerate(pairs) if (pair.classes == one).any()]
        changed = np.asarray([bool(pairs[at].unmatched[pairs[at].classes == one].any()) for at in holds], np.bool_)
        parts.append(OwnPart(Group("class", case.data.class_name(int(one)), np.asarray(holds, np.int64)), changed))
    return parts


def _notes(case: Case, threshold: float) -> list[str]:
    counts = [
        sum(int((boxes_of(values).scores >= threshold).sum()) for values in case.answers(which))
        for which in ("old", "new")
    ]
    if counts[0] == counts[1]:
        return []
    return [f"It finds {counts[1]:,} things where the original finds {counts[0]:,} (scores from {threshold:.2f} on)."]


def _fits(case: Case) -> bool:
    return case.old.answer_kind == "detection" and case.old.decoded and case.new.decoded


TASK = ProofTask(
    "detection", "Boxes around things", "a thing is lost, new, elsewhere or of another class", 15, _fits, compare
)
