"""Masks: is each class still in its place, and is each object still there?

Predictions are decoded: (height, width) whole numbers, the class of each pixel; 0 is what belongs to no object where
the picture is split in two by a threshold.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Flags, OwnPart, ProofTask
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.masks import BACKGROUND, LEAST_OVERLAP, Masks, class_change

BLOCK_PIXELS = 8_000_000


def compare(case: Case) -> Differences:
    """Items are pictures in which either finds something: an all empty one proves nothing about objects."""
    old, new = case.answers("old"), case.answers("new")
    n = len(old)
    whole = np.asarray([a.shape == b.shape for a, b in zip(old, new, strict=True)], np.bool_)
    whole &= case.new.finite[case.items]
    changed, severity = ~whole, np.where(whole, 0.0, 1.0)
    holds: dict[int, Flags] = defaultdict(lambda: np.zeros(n, np.bool_))
    broke: dict[int, Flags] = defaultdict(lambda: np.zeros(n, np.bool_))
    lost = 0
    for at, a, b in _blocks(old, new, whole):
        for one in np.union1d(np.unique(a), np.unique(b)).tolist():
            change = class_change(a == one, b == one)
            worse = change.present & (change.overlap < LEAST_OVERLAP)
            if one != BACKGROUND:
                worse |= change.objects > 0
                lost += int((change.objects > 0).sum())
            holds[one][at] = change.present
            broke[one][at] = worse
            changed[at] |= worse
            severity[at] = np.maximum(severity[at], np.maximum(1 - change.overlap, 0.1 * (change.objects > 0)))
    counts = changed | _found(holds, n)
    notes = [f"Objects are lost, new, joined or cut in {lost:,} pictures."] if lost else []
    seen = any((a != BACKGROUND).any() for a in old)
    return Differences(
        items=case.items[counts],
        changed=changed[counts],
        severity=severity[counts],
        similarity=np.clip(1 - severity[counts], 0.0, 1.0),
        parts=_parts(case, holds, broke, counts),
        notes=notes,
        unseen="" if seen else f"Nothing is found in {n:,} pictures: these examples cannot prove masks.",
    )


def _blocks(
    old: Sequence[Masks], new: Sequence[Masks], whole: Flags
) -> Iterator[tuple[NDArray[np.int64], Masks, Masks]]:
    """Pictures of one size together, at most eight million pixels."""
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for at in np.flatnonzero(whole).tolist():
        by_shape[old[at].shape].append(at)
    for shape, members in by_shape.items():
        step = max(1, BLOCK_PIXELS // max(int(np.prod(shape)), 1))
        for start in range(0, len(members), step):
            block = members[start : start + step]
            yield np.asarray(block, np.int64), np.stack([old[i] for i in block]), np.stack([new[i] for i in block])


def _found(holds: dict[int, Flags], n: int) -> Flags:
    """(n,): pictures that hold more than the background."""
    found = np.zeros(n, np.bool_)
    for one, has in holds.items():
        if one != BACKGROUND:
            found |= has
    return found


def _parts(case: Case, holds: dict[int, Flags], broke: dict[int, Flags], counts: Flags) -> list[OwnPart]:
    """Each class in the pictures that have it, members as positions among the items that count."""
    parts = []
    for one, has in holds.items():
        at = np.flatnonzero(has[counts])
        if one != BACKGROUND and len(at):
            parts.append(OwnPart(Group("class", case.data.class_name(one), at), broke[one][counts][at]))
    return parts


TASK = ProofTask(
    "segmentation",
    "Masks",
    "a class overlaps by less than 90 %, or an object is lost, new, joined or cut",
    order=16,
    fits=lambda case: case.old.answer_kind == "mask" and case.old.decoded and case.new.decoded,
    compare=compare,
)
