"""Judge masks: is each class still in its place, and is each object still there?

Predictions are decoded: (height, width) integers, the class of each pixel. If a threshold splits the picture in two, 0
is the background.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark, ngettext
from workers.contracts.wording import percent
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_overlap import OverlapPair, by_labels
from workers.evaluate.proof.differences import Differences, Flags, Loss, Part, ProofTask
from workers.evaluate.proof.groups import Group
from workers.evaluate.proof.notes import not_labelled
from workers.pipeline.alike.masks import BACKGROUND, LEAST_OVERLAP, Masks, class_change

BLOCK_PIXELS = 8_000_000
SMALLEST = 1e-9
VISIBLE_LOSS = 0.005
"""A loss of a smaller share of the correct objects does not show in the two numbers of the note."""

FITTING_OVERLAP = 0.1
"""With a mean overlap below this, the labels describe something else: a mask of another class is near 0."""


def compare(case: Case) -> Differences:
    """Return the differences of two segmentation models.

    Items are the pictures in which either finds something, because an empty one proves nothing about objects. With
    label masks the larger one of two losses decides, as shares of the original's: that of the mean overlap, which large
    areas dominate, and that of the correct objects.
    """
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
            odd = change.objects if one != BACKGROUND else change.holes
            worse |= odd > 0
            lost += int((odd > 0).sum())
            holds[one][at] = change.present
            broke[one][at] = worse
            changed[at] |= worse
            severity[at] = np.maximum(severity[at], np.maximum(1 - change.overlap, 0.1 * (odd > 0)))
    counts = changed | _found(holds, n)
    text = ngettext(
        "Objects are lost, new, joined, cut or have holes in {0:,} picture.",
        "Objects are lost, new, joined, cut or have holes in {0:,} pictures.",
        lost,
    )
    notes = [text.format(lost)] if lost else []
    seen = any((a != BACKGROUND).any() for a in old)
    loss, report, broken = _loss(case, counts)
    return Differences(
        items=case.items[counts],
        changed=changed[counts],
        severity=severity[counts],
        similarity=np.clip(1 - severity[counts], 0.0, 1.0),
        parts=_parts(case, holds, broke, counts),
        loss=loss,
        notes=[*notes, *report],
        figures={"n_labelled": loss.items} if loss is not None else {},
        broken=broken,
        unseen="" if seen else _("Nothing is found in {0:,} pictures: these examples cannot prove masks.").format(n),
    )


def _loss(case: Case, counts: Flags) -> tuple[Loss | None, list[str], bool]:
    """Return the loss by labels, notes about it, and whether a class broke."""
    pair = case.once(by_labels)
    if pair is None:
        return None, [], False
    original = float(pair.original[0])
    if not original >= FITTING_OVERLAP:
        what = _(
            "By the masks that should be right the original is nearly all wrong (mIoU {0:.3f}): the masks, "
            "their numbers or the preparation probably do not fit. Changed results decide instead of the "
            "labels."
        ).format(original)
        return None, [what], False
    both = [0, 2] if np.isfinite([pair.original[2], pair.optimized[2]]).all() else [0]
    scale = np.maximum(pair.original[both], SMALLEST)
    shares = (pair.original - pair.optimized)[both] / scale
    draws = (-pair.draws[:, both] / scale).max(axis=1) * original
    report = []
    was, now = pair.original[2], pair.optimized[2]
    if len(both) > 1 and shares[1] > max(shares[0], VISIBLE_LOSS):
        report.append(
            _("Fewer objects are right, or more are there that should not be: F1 {0:.3f}, now {1:.3f}.").format(
                was, now
            )
        )
    lost = _broken_classes(case, pair)
    labelled = sum(bool(item.mask) for item, is_seen in zip(case.facts, counts, strict=True) if is_seen)
    if len(pair.unmarked):
        text = _("No mask is of {0}: whether they are still found is judged by what changed.")
        report.append(not_labelled(text, [case.data.class_name(int(one)) for one in pair.unmarked]))
    drop, alone = float(shares.max()) * original, not len(pair.unmarked)
    return Loss("mIoU", original, drop, draws, labelled, alone), [*lost, *report], bool(lost)


def _broken_classes(case: Case, pair: OverlapPair) -> list[str]:
    text = _("“{0}” overlaps what is right by {1}, the original by {2}.")
    return [
        text.format(case.data.class_name(kind), percent(now), percent(was)) for kind, was, now in pair.lost_classes()
    ]


def _blocks(
    old: Sequence[Masks], new: Sequence[Masks], whole: Flags
) -> Iterator[tuple[NDArray[np.int64], Masks, Masks]]:
    """Yield pictures of the same size together, at most eight million pixels."""
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for at in np.flatnonzero(whole).tolist():
        by_shape[old[at].shape].append(at)
    for shape, members in by_shape.items():
        step = max(1, BLOCK_PIXELS // max(int(np.prod(shape)), 1))
        for start in range(0, len(members), step):
            block = members[start : start + step]
            yield np.asarray(block, np.int64), np.stack([old[i] for i in block]), np.stack([new[i] for i in block])


def _found(holds: dict[int, Flags], n: int) -> Flags:
    """Return which pictures (n,) contain more than the background."""
    found = [np.zeros(n, np.bool_), *(has for one, has in holds.items() if one != BACKGROUND)]
    return np.asarray(np.any(found, axis=0), np.bool_)


def _parts(case: Case, holds: dict[int, Flags], broke: dict[int, Flags], counts: Flags) -> list[Part]:
    """Return one part for each class, with the pictures that contain it as positions among the items that count."""
    parts: list[Part] = []
    for one, has in holds.items():
        at = np.flatnonzero(has[counts])
        if one != BACKGROUND and len(at):
            parts.append((Group("class", case.data.class_name(one), at), broke[one][counts][at]))
    return parts


def fits(case: Case) -> bool:
    """Return whether both models predict decoded masks."""
    return case.old.answer_kind == "mask" and case.old.decoded and case.new.decoded


TASK = ProofTask(
    "segmentation", order=16, fits=fits, compare=compare,
    empty=mark("{0:,} of {1:,} examples do not count: neither model finds anything in them."),
)  # fmt: skip
