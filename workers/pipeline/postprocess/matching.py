"""Whether two sets of boxes tell a person the same: the judgement's rule, which bundles check themselves by, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS = 6
"""Left, top, right, bottom, score, class."""

LEAST_IOU = 0.7
SMALL_PX = 20.0
"""A box with a side below this is small: at IoU .7 its edges may differ by a pixel or two only, which rounding does."""

SMALL_OFF_PX = 2.0
BORDERLINE = 0.1
"""Where both scores lie within this share of the threshold, nobody relies on a box that is lost or new."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Boxes:
    """Of one item: `corners` (k, 4), `scores` (k,), `classes` (k,)."""

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]

    def where(self, wanted: Flags) -> Boxes:
        return Boxes(self.corners[wanted], self.scores[wanted], self.classes[wanted])


@dataclass(frozen=True)
class Compared:
    """Of one item: classes of what either finds, and for each whether it is lost or new."""

    classes: NDArray[np.int64]
    unmatched: Flags


def boxes_of(values: NDArray[Any]) -> Boxes:
    """Rows of six as boxes; without any where the prediction holds no finite numbers."""
    rows = values.reshape(-1, COLUMNS).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    return Boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64))


def compare_item(old: Boxes, new: Boxes, threshold: float) -> Compared:
    """Each confident box of either beside the other's boxes of its class: partners are at IoU ≥ .7, of small boxes
    within two pixels. One box has one partner: the pairs of the highest overlap first."""
    classes: list[NDArray[np.int64]] = []
    unmatched: list[Flags] = []
    for mine, theirs, both in ((old, new, True), (new, old, False)):
        sure = mine.where(mine.scores >= threshold)
        lonely = ~matched(sure, theirs.where(theirs.scores >= threshold))
        alone = lonely.copy()
        near = sure.scores < threshold * (1 + BORDERLINE)
        if (alone & near).any():
            weak = theirs.where((theirs.scores >= threshold * (1 - BORDERLINE)) & (theirs.scores < threshold))
            alone &= ~(near & matched(sure, weak))
        # what only the second finds counts too; what both find is counted once
        kept = np.ones(len(alone), np.bool_) if both else lonely
        classes.append(sure.classes[kept])
        unmatched.append(alone[kept])
    return Compared(np.concatenate(classes), np.concatenate(unmatched))


def same_boxes(old: NDArray[Any], new: NDArray[Any], threshold: float) -> bool:
    """Whether rows of six tell a person the same: nothing is lost, new, elsewhere or of another class."""
    if np.isfinite(old).all() and not np.isfinite(new).all():
        return False
    return not compare_item(boxes_of(old), boxes_of(new), threshold).unmatched.any()


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
