"""Whether a person would notice a change, item by item, by the rules of docs/evaluation.md: plain loops, slow and
simple. Each returns None where neither model finds anything, so that the item proves nothing."""

import re
from typing import Any

import numpy as np
from field_tools import SURE, iou
from numpy.typing import NDArray

Values = NDArray[Any]
SAME_IOU, SMALL_PX, SMALL_OFF_PX, BORDERLINE = 0.7, 20, 2, 0.1
LEAST_OVERLAP, SPECK_PX, FORGIVEN_PX, COVERED, HELD = 0.9, 9, 4, 0.75, 1 / 3
OTHER_LETTERS = 0.05


def things(old: Values, new: Values) -> bool | None:
    """Boxes (k, 6) from .25 on: one of either without a partner of its class; borderline ones do not count."""
    sure_old, sure_new = old[old[:, 4] >= SURE], new[new[:, 4] >= SURE]
    if not len(sure_old) and not len(sure_new):
        return None
    return _lost(sure_old, sure_new, new) or _lost(sure_new, sure_old, old)


def _lost(mine: Values, theirs: Values, all_of_theirs: Values) -> bool:
    left = _unmatched(mine, theirs)
    weak = all_of_theirs[(all_of_theirs[:, 4] < SURE) & (all_of_theirs[:, 4] >= SURE * (1 - BORDERLINE))]
    near = mine[mine[:, 4] < SURE * (1 + BORDERLINE)]
    excused = {tuple(row) for row in near} - {tuple(row) for row in _unmatched(mine, weak)}
    return any(tuple(row) not in excused for row in left)


def _unmatched(mine: Values, theirs: Values) -> list[Values]:
    """Each box has one partner: the pairs of the highest overlap first."""
    pairs = sorted(
        ((iou(a, b), i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs) if _same_place(a, b)),
        key=lambda pair: -pair[0],
    )
    taken_mine: set[int] = set()
    taken_theirs: set[int] = set()
    for _, i, j in pairs:
        if i not in taken_mine and j not in taken_theirs:
            taken_mine.add(i)
            taken_theirs.add(j)
    return [row for i, row in enumerate(mine) if i not in taken_mine]


def _same_place(a: Values, b: Values) -> bool:
    if a[5] != b[5]:
        return False
    small = min(a[2] - a[0], a[3] - a[1]) < SMALL_PX
    return iou(a, b) >= SAME_IOU or (small and np.abs(a[:4] - b[:4]).max() <= SMALL_OFF_PX)


def masks(old: Values, new: Values) -> bool | None:
    """Classes of pixels (height, width): a class that overlaps by less than .9 without the pixels at its edge, an
    object lost, new, joined or cut, or a hole in one that is new or closed."""
    kinds = sorted({*np.unique(old).tolist(), *np.unique(new).tolist()})
    shown = [one for one in kinds if one != 0 and max((old == one).sum(), (new == one).sum()) >= SPECK_PX]
    changed = any(_other_place(old == one, new == one) for one in kinds)
    changed |= any(_lost_or_new(old == one, new == one) for one in kinds)
    changed |= any(_joined_or_cut(old == one, new == one) for one in kinds if one != 0)
    return changed if shown or changed else None


def _other_place(old: Values, new: Values) -> bool:
    if max(old.sum(), new.sum()) < SPECK_PX:
        return False
    far = (old & ~_wider(new)) | (new & ~_wider(old))
    return bool(1 - max(far.sum() - FORGIVEN_PX, 0) / (old | new).sum() < LEAST_OVERLAP)


def _lost_or_new(old: Values, new: Values) -> bool:
    for mine, theirs in ((old, new), (new, old)):
        near = _wider(theirs)
        if any((one & near).sum() < COVERED * one.sum() for one in _objects(mine)):
            return True
    return False


def _joined_or_cut(old: Values, new: Values) -> bool:
    for mine, theirs in ((old, new), (new, old)):
        inner = ~_wider(~np.pad(theirs, 1))[1:-1, 1:-1]
        for core in _objects(inner, least=1):
            if sum((one & core).sum() >= HELD * one.sum() for one in _objects(mine)) > 1:
                return True
    return False


def _objects(mask: Values, least: int = SPECK_PX) -> list[Values]:
    from skimage.measure import label

    numbers = label(mask, connectivity=2)
    every = [numbers == one for one in range(1, numbers.max() + 1)]
    return [one for one in every if one.sum() >= least]


def _wider(mask: Values) -> Values:
    """By one pixel to all sides and corners."""
    around = np.pad(mask, 1)
    height, width = mask.shape
    shifted = [around[r : r + height, c : c + width] for r in range(3) for c in range(3)]
    return np.logical_or.reduce(shifted)


def words(old: str, new: str) -> bool | None:
    """More than a twentieth of the letters differ, or a number. (Two words in a row, or the last one, always are that
    much of the few words that are spoken here, and none turns a meaning round.)"""
    if not old and not new:
        return None
    numbers = [sorted(re.findall(r"\d+(?:[.,:]\d+)*", text)) for text in (old, new)]
    return numbers[0] != numbers[1] or _distance(old, new) > OTHER_LETTERS * max(len(old), len(new))


def _distance(a: str, b: str) -> int:
    """Levenshtein's, row by row."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[len(b)]


def upper_bound(changed: int, n: int, level: float) -> float:
    """Exact one-sided bound on the share changed (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    return 1.0 if changed == n else float(beta.ppf(1 - level, changed + 1, n - changed))
