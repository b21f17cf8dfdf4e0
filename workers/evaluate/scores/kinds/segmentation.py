"""Score segmentation by label masks: mean overlap of classes, overlap of each class, pixels and objects."""

from collections.abc import Sequence

import numpy as np

from workers.contracts.specs import ScorePart, TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_overlap import by_labels
from workers.evaluate.proof.tasks.segmentation import fits
from workers.evaluate.scores.base import Score, metric, score_by_labels

MIOU = metric("miou", "Overlap of masks (mIoU)", "how far each class covers what is right, averaged over classes (IoU)")
PIXELS = metric("pixel_accuracy", "Right pixels", "share of the pixels that are of the right class")
OBJECTS = metric(
    "object_f1",
    "Right objects (F1)",
    "of the objects found, and of those that are there, how many overlap one of the others by more than half",
)
TASK = "segmentation"


def measure(case: Case) -> Sequence[TaskScore]:
    """Return mIoU, pixel accuracy and F1 of objects; nothing without label masks.

    Without labels, the proof itself reports how many results changed.
    """
    pair = case.once(by_labels)
    if pair is None:
        return []
    columns = pair.classes, pair.class_pictures, pair.class_original, pair.class_optimized
    parts = [
        ScorePart(name=case.data.class_name(int(kind)), n=int(n), original=float(was), optimized=float(now))
        for kind, n, was, now in zip(*columns, strict=True)
    ]
    return [
        score_by_labels(kind, TASK, pair.pictures, (float(was), float(now)), draws, parts if kind is MIOU else ())
        for kind, was, now, draws in zip(
            (MIOU, PIXELS, OBJECTS), pair.original, pair.optimized, pair.draws.T, strict=True
        )
        if np.isfinite([was, now]).all()
    ]


SCORE = Score("segmentation", 26, fits, measure)
