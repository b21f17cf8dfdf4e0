"""Changes of many masks at once compared with plain loops over pictures and objects."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, label

from workers.pipeline.alike.masks import (
    FORGIVEN_PX,
    LEAST_COVERED,
    LEAST_HELD,
    SMALLEST_OBJECT_PX,
    Flags,
    class_change,
    right_objects,
)

AROUND = np.ones((3, 3))


def objects(mask: Flags) -> list[Flags]:
    numbers, count = label(mask, AROUND)
    return [numbers == number for number in range(1, count + 1)]


def uncovered(mine: Flags, theirs: Flags) -> int:
    near = binary_dilation(theirs, AROUND)
    large = [one for one in objects(mine) if one.sum() >= SMALLEST_OBJECT_PX]
    return sum((one & near).sum() / one.sum() < LEAST_COVERED for one in large)


def joined(mine: Flags, theirs: Flags) -> int:
    large = [one for one in objects(mine) if one.sum() >= SMALLEST_OBJECT_PX]
    cores = objects(binary_erosion(theirs, AROUND))
    return sum(sum((one & core).sum() >= LEAST_HELD * one.sum() > 0 for one in large) > 1 for core in cores)


def slowly(old: Flags, new: Flags) -> tuple[bool, float, int, int]:
    """The fields of `ClassChange` of one picture."""
    surplus = (new & ~binary_dilation(old, AROUND)) | (old & ~binary_dilation(new, AROUND))
    holes = uncovered(old, new) + uncovered(new, old)
    present = bool(old.sum() >= SMALLEST_OBJECT_PX or new.sum() >= SMALLEST_OBJECT_PX)
    overlap = 1 - max(int(surplus.sum()) - FORGIVEN_PX, 0) / max(int((old | new).sum()), 1)
    return present, overlap if present else 1.0, holes + joined(old, new) + joined(new, old), holes


def blocks(rng: np.random.Generator) -> Flags:
    """(30, 40): rectangles, of which some touch each other or the edge, and some specks."""
    mask = rng.random((30, 40)) < 0.01
    for top, left, height, width in rng.integers((0, 0, 2, 2), (26, 36, 12, 16), (int(rng.integers(0, 7)), 4)):
        mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_class_change_of_many_masks_is_that_of_each(share: float) -> None:
    """Given pictures of which a share differs, by bars that cut and join, by a shift or wholly, Then each has the changes
    that plain loops find in it."""
    rng = np.random.default_rng(3)
    old = np.stack([blocks(rng) for _ in range(60)])
    new = old.copy()
    for at in np.flatnonzero(rng.random(60) < share):
        kind = at % 4
        if kind < 2:
            left = int(rng.integers(4, 32))
            new[at, :, left : left + 4] = bool(kind)
        else:
            new[at] = np.roll(old[at], 2, axis=1) if kind == 2 else blocks(rng)
    found = class_change(old, new)
    rows = zip(*(part.tolist() for part in (found.present, found.overlap, found.objects, found.holes)), strict=True)
    assert list(rows) == [slowly(a, b) for a, b in zip(old, new, strict=True)]
    assert not share or (found.objects > found.holes).any()


def test_right_objects_have_one_partner() -> None:
    """Given pictures with none, one and several objects, Then right are those that overlap one of the other side in the
    same picture by more than half, specks left out."""
    rng = np.random.default_rng(4)
    there = np.stack([blocks(rng) if at % 3 else np.zeros((30, 40), np.bool_) for at in range(12)])
    found = np.stack([np.roll(mask, at % 4, axis=0) if at % 2 else blocks(rng) for at, mask in enumerate(there)])
    right, count = 0, 0
    for a, b in zip(there, found, strict=True):
        mine, theirs = ([one for one in objects(side) if one.sum() >= SMALLEST_OBJECT_PX] for side in (a, b))
        right += 2 * sum((one & other).sum() / (one | other).sum() > 0.5 for one in mine for other in theirs)
        count += len(mine) + len(theirs)
    assert right_objects(there, found) == (right, count) and 0 < right < count


def test_joined_or_cut_objects_are_not_right() -> None:
    """Given two equal things, Then one thing over both is right for neither, nor is a half for the whole."""
    apart = np.zeros((1, 20, 40), np.bool_)
    apart[:, 5:15, 2:18], apart[:, 5:15, 20:36] = True, True
    bridged = apart.copy()
    bridged[:, 5:15, 18:20] = True
    assert right_objects(apart, bridged) == right_objects(bridged, apart) == (0, 3)
    assert right_objects(apart, apart) == (4, 4)
