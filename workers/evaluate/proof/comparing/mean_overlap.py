"""Compare masks with labels: mean overlap of classes (mIoU) and correct objects, for the whole and for resampled sets.

The bootstrap is paired over whole pictures (Efron and Tibshirani 1993). mIoU adds up intersections and unions over all
pictures and averages the classes that are present (Everingham et al. 2010, Pascal VOC; torchmetrics'
MulticlassJaccardIndex). The pixels of the predictions are compared: a label mask of another size is read at their
centers. Pixels that the label mask excludes count nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.truths.mask_numbers import IGNORE, read_mask, resized
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.by_labels import Floats, LabelledPair, ratio
from workers.evaluate.proof.stats import draw_counts
from workers.pipeline.alike.masks import BACKGROUND, Masks, right_objects

DRAWS = 1000
SELDOM = 0.01
"""A class that the original finds in a smaller share of the pictures may be a mistake of the original."""


@dataclass(frozen=True)
class Counted:
    """Counts of n pictures for one model.

    Attributes:
        shared: Pixels (n, classes) of each class that prediction and label have in common.
        given: Pixels (n, classes) of each class in the prediction.
        there: Pixels (n, classes) of each class in the label.
        right_objects: Correct objects (n,), counted in the prediction and in the label.
        objects: All objects (n,) of the prediction and of the label.
    """

    shared: Floats
    given: Floats
    there: Floats
    right_objects: Floats
    objects: Floats

    def overlaps(self, times: Floats) -> Floats:
        """Return the IoU (draws, classes) if each picture counts `times` (draws, n).

        NaN for classes that are absent.
        """
        shared, given, there = (times @ part for part in (self.shared, self.given, self.there))
        union = given + there - shared
        return np.asarray(np.divide(shared, union, out=np.full_like(shared, np.nan), where=there > 0))

    def figures(self, times: Floats) -> Floats:
        """Return mIoU, pixel accuracy and F1 of objects, (draws, 3); NaN where there is nothing to count."""
        overlaps = self.overlaps(times)
        known = np.isfinite(overlaps)
        mean = ratio(np.where(known, overlaps, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))
        accuracy = ratio(times @ self.shared.sum(axis=1), times @ self.there.sum(axis=1))
        return np.stack([mean, accuracy, ratio(times @ self.right_objects, times @ self.objects)], axis=1)


@dataclass(frozen=True)
class OverlapPair(LabelledPair):
    """Both models compared with the label masks of the same pictures.

    Scores are mIoU, pixel accuracy and F1 of objects; that of a class is its IoU.

    Attributes:
        unmarked: Classes that the original sometimes predicts and that no label mask has. By the labels, losing them
            would be a gain.
    """

    unmarked: NDArray[np.int64]


def by_labels(case: Case) -> OverlapPair | None:
    """Compare both models over the pictures that have a label mask.

    Returns None if no picture has one, or if the masks exclude all pixels.
    """
    labelled = np.asarray([bool(item.mask) for item in case.facts], np.bool_)
    if not labelled.any():
        return None
    known = case.only(labelled)
    given = [known.answers("old"), known.answers("new")]
    finite = [np.ones(len(known.items), np.bool_), known.new.finite[known.items]]
    classes = 1 + max(int(mask.max(initial=0)) for masks in given for mask in masks)
    truths = [partial(read_mask, item.mask) for item in known.facts]
    classes = max(classes, 1 + max(int(read().max(initial=0)) for read in truths))
    old, new = (_counted(truths, *one, classes) for one in zip(given, finite, strict=True))
    if not old.there.any():
        return None
    n = len(truths)
    rng = np.random.default_rng(case.seed)
    draws, losses = [], []
    whole = np.ones((1, n))
    at = np.flatnonzero(old.there.any(axis=0))
    for _ in range(0, DRAWS, 100):
        times = draw_counts(rng, n, 100)
        draws.append(new.figures(times) - old.figures(times))
        before, after = old.overlaps(times)[:, at], new.overlaps(times)[:, at]
        losses.append(ratio(before - after, before))
    return OverlapPair(
        old.figures(whole)[0],
        new.figures(whole)[0],
        np.concatenate(draws),
        n,
        at,
        old.overlaps(whole)[0, at],
        new.overlaps(whole)[0, at],
        (old.there[:, at] > 0).sum(axis=0),
        np.concatenate(losses),
        np.flatnonzero(((old.given > 0).mean(axis=0) > SELDOM) & ~old.there.any(axis=0)),
    )


def _counted(
    truths: Sequence[partial[Masks]], given: Sequence[Masks], finite: NDArray[np.bool_], classes: int
) -> Counted:
    n = len(truths)
    pixels = np.zeros((3, n, classes))
    right, objects = np.zeros(n), np.zeros(n)
    for at, (read, mask, is_number) in enumerate(zip(truths, given, finite.tolist(), strict=True)):
        truth = resized(read(), mask.shape)
        judged = truth != IGNORE
        # A prediction that is NaN is right nowhere: it gets a class that does not exist.
        mine = np.where(judged, mask, BACKGROUND) if is_number else np.full(mask.shape, IGNORE)
        kinds, guesses = truth[judged], mine[judged]
        pixels[:, at] = [
            np.bincount(values, minlength=classes) for values in (kinds[kinds == guesses], guesses[guesses >= 0], kinds)
        ]
        for one in np.union1d(kinds, guesses).tolist():
            if one in (BACKGROUND, IGNORE):
                continue
            there, found = (truth == one)[None], (mine == one)[None]
            partners, count = right_objects(there, found)
            right[at] += partners
            objects[at] += count
    return Counted(pixels[0], pixels[1], pixels[2], right, objects)
