"""Compare masks of many pictures at once: overlap by class with a tolerance of one pixel, and connected objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .objects import numbered

Masks = NDArray[Any]
"""Integers: the class of each pixel."""

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

SMALLEST_OBJECT_PX = 9
"""Minimum size of an object; smaller groups of pixels are specks that rounding creates and removes."""

LEAST_OVERLAP = 0.9
BACKGROUND = 0
FORGIVEN_PX = 4
"""Number of pixels per class and picture that do not count: two pixels are a tenth of an object of four by four."""

LEAST_COVERED = 0.75
"""Minimum share of an object within a pixel of the other mask; below it the object, or a large part, is lost or new."""

LEAST_HELD = 1 / 3
HALF = 0.5
MOST_COUNTED = 1 << 20


@dataclass(frozen=True)
class ClassChange:
    """Change of one class in n pictures, all fields (n,).

    Attributes:
        present: Either mask contains the class.
        overlap: IoU, 1 if neither mask contains the class.
        objects: Number of objects that are lost, new, joined or split.
        holes: Number of these that are lost or new (in the background they are holes in an object).
    """

    present: Flags
    overlap: Floats
    objects: Numbers
    holes: Numbers


def class_change(old: Flags, new: Flags) -> ClassChange:
    """Compare the masks `old` and `new` (n, height, width) bool of one class.

    Pixels within one pixel of the other mask do not reduce the overlap, because rounding decides there.
    """
    present, overlap = old.sum(axis=(1, 2)) >= SMALLEST_OBJECT_PX, np.ones(len(old))
    objects, holes = np.zeros((2, len(old)), np.int64)
    at = np.flatnonzero((old != new).any(axis=(1, 2)))  # most masks are equal if there are many classes
    if len(at):
        present[at], overlap[at], objects[at], holes[at] = _changes(old[at], new[at])
    return ClassChange(present, overlap, objects, holes)


def _changes(old: Flags, new: Flags) -> tuple[Flags, Floats, Numbers, Numbers]:
    """Return the fields of `ClassChange`."""
    near_old, near_new = _grown(old), _grown(new)
    surplus = (new & ~near_old) | (old & ~near_new)
    union = (old | new).sum(axis=(1, 2))
    overlap = 1 - np.maximum(surplus.sum(axis=(1, 2)) - FORGIVEN_PX, 0) / np.maximum(union, 1)
    before, after = _Objects.of(old), _Objects.of(new)
    holes = _uncovered(before, near_new) + _uncovered(after, near_old)
    objects = holes + _joined(before, new) + _joined(after, old)
    present = (old.sum(axis=(1, 2)) >= SMALLEST_OBJECT_PX) | (new.sum(axis=(1, 2)) >= SMALLEST_OBJECT_PX)
    return present, np.where(present, overlap, 1.0), objects, holes


def _grown(masks: Flags) -> Flags:
    """Return the masks (n, height, width) grown by one pixel within each picture.

    This is ten times as fast as `binary_dilation`.
    """
    rows = masks.copy()
    rows[:, 1:] |= masks[:, :-1]
    rows[:, :-1] |= masks[:, 1:]
    grown = rows.copy()
    grown[:, :, 1:] |= rows[:, :, :-1]
    grown[:, :, :-1] |= rows[:, :, 1:]
    return grown


def same_masks(old: Masks, new: Masks) -> bool:
    """Return whether two masks (height, width) of one size mean the same to a person."""
    for one in np.union1d(np.unique(old), np.unique(new)).tolist():
        change = class_change((old == one)[None], (new == one)[None])
        if change.present[0] and change.overlap[0] < LEAST_OVERLAP:
            return False
        if (change.objects if one != BACKGROUND else change.holes)[0]:
            return False
    return True


@dataclass(frozen=True)
class _Objects:
    """Connected objects of `masks` (n, height, width).

    Attributes:
        numbers: Number of each pixel's object, of the same shape; 0 outside of objects.
        sizes: (k + 1,) sizes in pixels; entry 0 has no meaning.
    """

    masks: Flags
    numbers: NDArray[np.int32]
    sizes: Numbers

    @classmethod
    def of(cls, masks: Flags) -> _Objects:
        numbers, count = numbered(masks)
        return cls(masks, numbers, np.bincount(numbers[masks], minlength=count + 1))

    def covered(self, theirs: Flags) -> tuple[Numbers, Floats]:
        """Return the picture of each object that is not a speck, and the share of it that `theirs` covers."""
        picture = np.zeros(len(self.sizes), np.int64)
        picture[self.numbers[self.masks]] = np.repeat(np.arange(len(self.masks)), self.masks.sum(axis=(1, 2)))
        covered = np.bincount(self.numbers[self.masks & theirs], minlength=len(self.sizes))
        kept = self.sizes >= SMALLEST_OBJECT_PX
        return picture[kept], covered[kept] / self.sizes[kept]


def _uncovered(mine: _Objects, theirs: Flags) -> Numbers:
    """Return (n,): number of objects of `mine` of which `theirs` covers less than three quarters."""
    picture, covered = mine.covered(theirs)
    return np.bincount(picture[covered < LEAST_COVERED], minlength=len(theirs))


def right_objects(there: Flags, found: Flags) -> tuple[int, int]:
    """Return the number of matched objects in both masks (n, height, width), and the number of all objects.

    An object is matched if its overlap (IoU) with an object of the other mask exceeds one half. No object has two such
    matches, so joined or split objects are wrong (recognition quality of Kirillov et al., arXiv 1801.00868).
    """
    mine, theirs = _Objects.of(there), _Objects.of(found)
    both = there & found
    one, other, shared = _overlapping(mine.numbers[both], theirs.numbers[both], len(theirs.sizes))
    of_one, of_other = mine.sizes[one], theirs.sizes[other]
    partners = shared > HALF * (of_one + of_other - shared)
    partners &= np.minimum(of_one, of_other) >= SMALLEST_OBJECT_PX
    count = sum(int((part.sizes[1:] >= SMALLEST_OBJECT_PX).sum()) for part in (mine, theirs))
    return 2 * int(partners.sum()), count


def _overlapping(one: NDArray[np.int32], other: NDArray[np.int32], count: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return (k,) each: numbers of two objects that share pixels, and how many pixels.

    Args:
        one: (pixels,) object numbers.
        other: (pixels,) object numbers below `count`.
        count: Upper bound of `other`.
    """
    at = one.astype(np.int64) * count + other
    if len(at) and at.max() < MOST_COUNTED:  # several times as fast as sorting them
        counts = np.bincount(at)
        pairs = np.flatnonzero(counts)
        return pairs // count, pairs % count, counts[pairs]
    pairs, counts = np.unique(at, return_counts=True)
    return pairs // count, pairs % count, counts


def _joined(mine: _Objects, theirs: Flags) -> Numbers:
    """Return (n,): number of objects of `theirs` that hold at least a third of two or more of `mine`.

    Objects of `theirs` are taken without their outermost pixels, so that a thin bridge does not join two objects.
    """
    inner = ~_grown(~theirs)
    inner[:, [0, -1]], inner[:, :, [0, -1]] = False, False
    cores, core_count = numbered(inner)
    both = np.flatnonzero(mine.masks & inner)
    core, one = cores.ravel()[both], mine.numbers.ravel()[both]
    # neighbors in a row mostly belong to the same pair, so only the first pixel of each run is sorted
    begins = np.flatnonzero(np.concatenate([[True], (core[1:] != core[:-1]) | (one[1:] != one[:-1])])[: len(both)])
    core, one = core[begins].astype(np.int64), one[begins]
    picture = np.zeros(core_count + 1, np.int64)
    picture[core] = both[begins] // theirs[0].size
    held, which = np.unique(core * len(mine.sizes) + one, return_inverse=True)
    times = np.bincount(which, weights=np.diff(begins, append=len(both)))
    core, one = np.divmod(held, len(mine.sizes))
    kept = (mine.sizes[one] >= SMALLEST_OBJECT_PX) & (times >= LEAST_HELD * mine.sizes[one])
    several = np.bincount(core[kept], minlength=core_count + 1) > 1
    return np.bincount(picture[several], minlength=len(theirs))
