"""Decide whether two sets of boxes mean the same to a person; the judgement and bundles share this rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .instances import LEAST_MASK_IOU, LEAST_SMALL_IOU, MASK_SIDE, mask_iou
from .turned import frames, turned_ious

COLUMNS = 6
"""Number of common columns: left, top, right, bottom, score, class.

An angle (one column), key points (two or three each) or a mask (23, see `instances`) may follow.
"""

LEAST_SEEN = 0.5
POINT_OFF, POINTS_OFF = 0.1, 0.1
"""Tolerated distance of a key point, and tolerated share of points beyond it.

The distance is a share of the root of the box's area (as OKS measures points, cocodataset.org).
"""

LEAST_IOU = 0.7
SMALL_PX = 20.0
"""Side in pixels below which a box is small.

At IoU 0.7 the edges of a small box may differ by only a pixel or two, which rounding causes.
"""

SMALL_OFF_PX = 2.0
BORDERLINE = 0.1
"""Share of the threshold within which a lost or new box does not count if both scores lie there."""

SCORE_MOVED = 0.2
"""Largest change of a score, since users set their own thresholds: 0.9 and 0.3 mean different confidence."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Boxes:
    """Boxes of one item.

    Attributes:
        corners: (k, 4) left, top, right, bottom.
        scores: (k,).
        classes: (k,) class numbers.
        behind: (k, more) an angle, key points or a mask.
    """

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]
    behind: Floats | None = None

    def where(self, wanted: Flags) -> Boxes:
        """Return the boxes that `wanted` (k,) selects."""
        behind = None if self.behind is None else self.behind[wanted]
        return Boxes(self.corners[wanted], self.scores[wanted], self.classes[wanted], behind)

    def upright(self) -> Boxes:
        """Return rotated boxes as the upright frames around them, as labels have them."""
        if self.behind is None or self.behind.shape[1] != 1:
            return self
        return replace(self, corners=frames(self.corners, self.behind[:, 0]))


@dataclass(frozen=True)
class Compared:
    """Comparison of one item: classes of all objects of both sets, and whether each is lost or new."""

    classes: NDArray[np.int64]
    unmatched: Flags


def boxes_of(values: NDArray[Any]) -> Boxes:
    """Return rows of six or more columns as boxes, without rows that are not finite."""
    rows = values.reshape(-1, values.shape[-1] if values.ndim > 1 else COLUMNS).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    behind = rows[:, COLUMNS:] if rows.shape[1] > COLUMNS else None
    return Boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64), behind)


def compare_item(old: Boxes, new: Boxes, threshold: float) -> Compared:
    """Match each confident box of one set with the other's boxes of its class.

    Matches have IoU ≥ 0.7 (small boxes: edges within two pixels), and their scores differ by at most 0.2. Each box has
    one match: pairs with the highest overlap come first.
    """
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
        # objects only in the second set count, too; objects in both count once
        kept = np.ones(len(alone), np.bool_) if both else lonely
        classes.append(sure.classes[kept])
        unmatched.append(alone[kept])
    return Compared(np.concatenate(classes), np.concatenate(unmatched))


def same_boxes(old: NDArray[Any], new: NDArray[Any], threshold: float) -> bool:
    """Return whether rows of six mean the same: no object is lost, new, moved or of another class."""
    if np.isfinite(old).all() and not np.isfinite(new).all():
        return False
    return not compare_item(boxes_of(old), boxes_of(new), threshold).unmatched.any()


def matched(mine: Boxes, theirs: Boxes, moved: float = SCORE_MOVED) -> Flags:
    """Return (k,) bool: each of `mine` has its own match among `theirs` with a score difference of at most `moved`."""
    done = np.zeros(len(mine.scores), np.bool_)
    if not len(mine.scores) or not len(theirs.scores):
        return done
    overlap = _overlaps(mine, theirs)
    off = np.abs(mine.corners[:, None] - theirs.corners[None]).max(axis=2)
    side = (mine.corners[:, 2:] - mine.corners[:, :2]).min(axis=1)
    near = (overlap >= LEAST_IOU) | ((side < SMALL_PX)[:, None] & (off <= SMALL_OFF_PX))
    if _turned(mine, theirs):  # corners before the rotation are meaningless
        near = overlap >= LEAST_IOU
    near &= mine.classes[:, None] == theirs.classes[None]
    near &= np.abs(mine.scores[:, None] - theirs.scores[None]) <= moved
    near &= _masks_near(mine, theirs, near, side) if _masked(mine, theirs) else _points_near(mine, theirs)
    taken = np.zeros(len(theirs.scores), np.bool_)
    for at in np.argsort(-np.where(near, overlap, -1.0), axis=None, kind="stable"):
        one, other = divmod(int(at), near.shape[1])
        if near[one, other] and not done[one] and not taken[other]:
            done[one] = taken[other] = True
    return done


def _overlaps(mine: Boxes, theirs: Boxes) -> Floats:
    if mine.behind is None or theirs.behind is None or not _turned(mine, theirs):
        return ious(mine.corners, theirs.corners)
    return turned_ious(mine.corners, mine.behind[:, 0], theirs.corners, theirs.behind[:, 0])


def _turned(mine: Boxes, theirs: Boxes) -> bool:
    """Return whether both sets have an angle."""
    return all(one.behind is not None and one.behind.shape[1] == 1 for one in (mine, theirs))


def _masked(mine: Boxes, theirs: Boxes) -> bool:
    return all(one.behind is not None and one.behind.shape[1] == MASK_SIDE for one in (mine, theirs))


def _masks_near(mine: Boxes, theirs: Boxes, pairs: Flags, side: Floats) -> Flags:
    """Return (len(mine), len(theirs)) bool: the masks of these `pairs` overlap enough.

    Args:
        mine: First set.
        theirs: Second set.
        pairs: (len(mine), len(theirs)) bool, the pairs to compare.
        side: Shorter side of each of `mine` in pixels.
    """
    assert mine.behind is not None and theirs.behind is not None
    same = np.zeros_like(pairs)
    for one, other in np.argwhere(pairs):
        least = LEAST_SMALL_IOU if side[one] < SMALL_PX else LEAST_MASK_IOU
        iou = mask_iou(mine.behind[one], mine.corners[one], theirs.behind[other], theirs.corners[other])
        same[one, other] = iou >= least
    return same


def _points_near(mine: Boxes, theirs: Boxes) -> Flags:
    """Return (len(mine), len(theirs)) bool: nine in ten of the first one's visible points are near the second one's.

    Boxes without points are near.
    """
    a, b = mine.behind, theirs.behind
    if a is None or b is None:
        return np.full((len(mine.scores), len(theirs.scores)), a is None and b is None)
    if a.shape[1] != b.shape[1] or a.shape[1] == 1:
        return np.full((len(a), len(b)), a.shape[1] == b.shape[1])
    width = 3 if a.shape[1] % 3 == 0 else 2
    first, second = a.reshape(len(a), 1, -1, width), b.reshape(1, len(b), -1, width)
    size = np.sqrt(np.maximum((mine.corners[:, 2:] - mine.corners[:, :2]).prod(axis=1), 1.0))[:, None, None]
    far = np.linalg.norm(first[..., :2] - second[..., :2], axis=-1) > POINT_OFF * size
    if width == 3:
        seen, still = first[..., 2] >= LEAST_SEEN, second[..., 2] >= LEAST_SEEN
        far, counted = (seen & (far | ~still)), np.maximum(seen.sum(axis=2), 1)
    else:
        counted = np.full(far.shape[:2], far.shape[2])
    return np.asarray(far.sum(axis=2) <= POINTS_OFF * counted, np.bool_)


def ious(a: Floats, b: Floats) -> Floats:
    """Return (len(a), len(b)): intersection over union of boxes of left, top, right, bottom."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    of_a, of_b = (np.maximum(part[:, 2:] - part[:, :2], 0) for part in (a, b))
    union = (of_a[:, 0] * of_a[:, 1])[:, None] + (of_b[:, 0] * of_b[:, 1])[None] - shared
    return np.asarray(shared / np.where(union > 0, union, 1), np.float64)
