"""Masks beside masks, many pictures at once: overlap by class with a tolerance of one pixel, and connected objects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[Any]
"""Whole numbers: the class of each pixel."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

SMALLEST_OBJECT_PX = 9
"""Connected pixels below three by three are specks that rounding makes and takes away."""

LEAST_OVERLAP = 0.9
BACKGROUND = 0
FORGIVEN_PX = 4
"""So many pixels of a class in a picture may be anywhere: of a thing of four by four pixels two are a tenth already."""

LEAST_COVERED = 0.75
"""An object of which less than this lies within a pixel of the other mask is lost (or new), or a large part of it."""

LEAST_HELD = 1 / 3


AROUND = np.zeros((3, 3, 3), np.bool_)
AROUND[1] = True
"""Neighbors within a picture, corners too, and never from one picture to the next."""


@dataclass(frozen=True)
class ClassChange:
    """Of one class in n pictures, all (n,): whether either mask has it, the overlap (IoU, 1 where neither has it), how
    many objects are lost, new, joined or cut in two, and how many of these are lost or new (of the background they are
    holes in something)."""

    present: Flags
    overlap: Floats
    objects: NDArray[np.int64]
    holes: NDArray[np.int64]


def class_change(old: Flags, new: Flags) -> ClassChange:
    """`old` and `new` (n, height, width): where this class is.

    What lies within one pixel of the other's mask does not count against the overlap: there rounding decides.
    """
    near_old, near_new = _grown(old), _grown(new)
    surplus = (new & ~near_old) | (old & ~near_new)
    union = (old | new).sum(axis=(1, 2))
    overlap = 1 - np.maximum(surplus.sum(axis=(1, 2)) - FORGIVEN_PX, 0) / np.maximum(union, 1)
    holes = _uncovered(old, near_new) + _uncovered(new, near_old)
    objects = holes + _joined(old, new) + _joined(new, old)
    present = (old.sum(axis=(1, 2)) >= SMALLEST_OBJECT_PX) | (new.sum(axis=(1, 2)) >= SMALLEST_OBJECT_PX)
    return ClassChange(present, np.where(present, overlap, 1.0), objects, holes)


def _grown(masks: Flags) -> Flags:
    """(n, height, width): and the pixels around, within each picture. Ten times as fast as `binary_dilation`."""
    rows = masks.copy()
    rows[:, 1:] |= masks[:, :-1]
    rows[:, :-1] |= masks[:, 1:]
    grown = rows.copy()
    grown[:, :, 1:] |= rows[:, :, :-1]
    grown[:, :, :-1] |= rows[:, :, 1:]
    return grown


def same_masks(old: Masks, new: Masks) -> bool:
    """Whether two masks (height, width) of one size tell a person the same."""
    for one in np.union1d(np.unique(old), np.unique(new)).tolist():
        change = class_change((old == one)[None], (new == one)[None])
        if change.present[0] and change.overlap[0] < LEAST_OVERLAP:
            return False
        if (change.objects if one != BACKGROUND else change.holes)[0]:
            return False
    return True


def _uncovered(mine: Flags, theirs: Flags) -> NDArray[np.int64]:
    """(n,): objects of `mine` that `theirs` covers less than three quarters of."""
    picture, covered = objects_of(mine, theirs)
    return np.bincount(picture[covered < LEAST_COVERED], minlength=len(mine))


def objects_of(mine: Flags, theirs: Flags) -> tuple[NDArray[np.int64], Floats]:
    """Of each object of `mine` (k,) the picture in which it is, and the share of it that `theirs` covers."""
    from scipy.ndimage import label

    numbers, count = label(mine, AROUND)
    found = numbers[mine]  # (pixels,) in order of pictures
    sizes = np.bincount(found, minlength=count + 1)[1:]
    covered = np.bincount(found, weights=theirs[mine], minlength=count + 1)[1:]
    picture = np.zeros(count + 1, np.int64)
    picture[found] = np.flatnonzero(mine) // mine[0].size
    kept = sizes >= SMALLEST_OBJECT_PX
    return picture[1:][kept], covered[kept] / sizes[kept]


def _joined(mine: Flags, theirs: Flags) -> NDArray[np.int64]:
    """(n,): objects of `theirs` that hold a third and more of two or more of `mine`, by more than a thin bridge (they
    are taken without their outermost pixels)."""
    from scipy.ndimage import label

    numbers, count = label(mine, AROUND)
    inner = ~_grown(~theirs)
    inner[:, [0, -1]], inner[:, :, [0, -1]] = False, False
    cores, core_count = label(inner, AROUND)
    both = np.flatnonzero(mine & (cores > 0))
    held, times = np.unique(
        cores.ravel()[both].astype(np.int64) * (count + 1) + numbers.ravel()[both], return_counts=True
    )
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    core, one = np.divmod(held, count + 1)
    kept = (sizes[one] >= SMALLEST_OBJECT_PX) & (times >= LEAST_HELD * sizes[one])
    several = np.bincount(core[kept], minlength=core_count + 1) > 1
    picture = np.zeros(core_count + 1, np.int64)
    picture[cores.ravel()[both]] = both // mine[0].size
    return np.bincount(picture[several], minlength=len(mine))
