"""Whether two sets of boxes tell a person the same: the judgement's rule, which bundles check themselves by, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .instances import LEAST_MASK_IOU, LEAST_SMALL_IOU, MASK_SIDE, mask_iou
from .turned import frames, turned_ious

COLUMNS = 6
"""Left, top, right, bottom, score, class; an angle (one column), key points (two or three each) or a mask (23, see
`instances`) may stand behind."""

LEAST_SEEN = 0.5
POINT_OFF, POINTS_OFF = 0.1, 0.1
"""A key point is elsewhere where it is off by more than this share of the root of its box's area (as OKS measures
points, cocodataset.org); one in ten may be."""

LEAST_IOU = 0.7
SMALL_PX = 20.0
"""A box with a side below this is small: at IoU .7 its edges may differ by a pixel or two only, which rounding does."""

SMALL_OFF_PX = 2.0
BORDERLINE = 0.1
"""Where both scores lie within this share of the threshold, nobody relies on a box that is lost or new."""

SCORE_MOVED = 0.2
"""People set thresholds of their own: a thing that was sure (.9) and is a guess now (.3) is told otherwise."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Boxes:
    """Of one item: `corners` (k, 4), `scores` (k,), `classes` (k,), and `behind` (k, more) an angle or key points."""

    corners: Floats
    scores: Floats
    classes: NDArray[np.int64]
    behind: Floats | None = None

    def where(self, wanted: Flags) -> Boxes:
        behind = None if self.behind is None else self.behind[wanted]
        return Boxes(self.corners[wanted], self.scores[wanted], self.classes[wanted], behind)

    def upright(self) -> Boxes:
        """As labels have them: turned boxes by the frames around them."""
        if self.behind is None or self.behind.shape[1] != 1:
            return self
        return replace(self, corners=frames(self.corners, self.behind[:, 0]))


@dataclass(frozen=True)
class Compared:
    """Of one item: classes of what either finds, and for each whether it is lost or new."""

    classes: NDArray[np.int64]
    unmatched: Flags


def boxes_of(values: NDArray[Any]) -> Boxes:
    """Rows of six and more as boxes; without any where the prediction holds no finite numbers."""
    rows = values.reshape(-1, values.shape[-1] if values.ndim > 1 else COLUMNS).astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    behind = rows[:, COLUMNS:] if rows.shape[1] > COLUMNS else None
    return Boxes(rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64), behind)


def compare_item(old: Boxes, new: Boxes, threshold: float) -> Compared:
    """Each confident box of either beside the other's boxes of its class: partners are at IoU ≥ .7, of small boxes
    within two pixels, and their scores differ by .2 at most. One box has one partner: the pairs of the highest overlap
    first.
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


def matched(mine: Boxes, theirs: Boxes, moved: float = SCORE_MOVED) -> Flags:
    """(k,): whether each of `mine` has a partner of its own among `theirs`, whose score differs by `moved` at most."""
    done = np.zeros(len(mine.scores), np.bool_)
    if not len(mine.scores) or not len(theirs.scores):
        return done
    overlap = _overlaps(mine, theirs)
    off = np.abs(mine.corners[:, None] - theirs.corners[None]).max(axis=2)
    side = (mine.corners[:, 2:] - mine.corners[:, :2]).min(axis=1)
    near = (overlap >= LEAST_IOU) | ((side < SMALL_PX)[:, None] & (off <= SMALL_OFF_PX))
    if _turned(mine, theirs):  # corners before they are turned say nothing
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
    """Whether an angle stands behind both."""
    return all(one.behind is not None and one.behind.shape[1] == 1 for one in (mine, theirs))


def _masked(mine: Boxes, theirs: Boxes) -> bool:
    return all(one.behind is not None and one.behind.shape[1] == MASK_SIDE for one in (mine, theirs))


def _masks_near(mine: Boxes, theirs: Boxes, pairs: Flags, side: Floats) -> Flags:
    """(len(mine), len(theirs)): whether the masks of these `pairs` lie over each other; `side` is the shorter one of
    each of `mine`.
    """
    assert mine.behind is not None and theirs.behind is not None
    same = np.zeros_like(pairs)
    for one, other in np.argwhere(pairs):
        least = LEAST_SMALL_IOU if side[one] < SMALL_PX else LEAST_MASK_IOU
        iou = mask_iou(mine.behind[one], mine.corners[one], theirs.behind[other], theirs.corners[other])
        same[one, other] = iou >= least
    return same


def _points_near(mine: Boxes, theirs: Boxes) -> Flags:
    """(len(mine), len(theirs)): whether nine in ten of the points that the first sees are where the second sees them;
    True where there are none.
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
    """(len(a), len(b)): intersection over union of boxes of left, top, right, bottom."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    of_a, of_b = (np.maximum(part[:, 2:] - part[:, :2], 0) for part in (a, b))
    union = (of_a[:, 0] * of_a[:, 1])[:, None] + (of_b[:, 0] * of_b[:, 1])[None] - shared
    return np.asarray(shared / np.where(union > 0, union, 1), np.float64)
