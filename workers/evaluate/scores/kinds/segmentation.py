"""Score segmentation by label masks: mean overlap of classes, overlap of each class, pixels and objects."""

from collections.abc import Sequence

from workers.contracts.specs import ScorePart, TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_overlap import by_labels
from workers.evaluate.scores.base import Score, Words, beside

MIOU = Words("miou", "Overlap of masks (mIoU)", "how far each class covers what is right, averaged over classes (IoU)")
PIXELS = Words("pixel_accuracy", "Right pixels", "share of the pixels that are of the right class")
OBJECTS = Words(
    "object_f1",
    "Right objects (F1)",
    "of the objects found, and of those that are there, how many overlap one of the others by more than half",
)
TASK = "segmentation"


def fits(case: Case) -> bool:
    """Return whether both models predict decoded masks."""
    return case.old.answer_kind == "mask" and case.old.decoded and case.new.decoded and bool(len(case.items))


def measure(case: Case) -> Sequence[TaskScore]:
    """Return mIoU, pixel accuracy and F1 of objects; nothing without label masks.

    Without labels, the proof itself reports how many results changed.
    """
    pair = case.once(by_labels)
    if pair is None:
        return []
    parts = [
        ScorePart(name=case.data.class_name(int(kind)), n=int(n), original=float(was), optimized=float(now))
        for kind, n, was, now in zip(
            pair.classes, pair.class_pictures, pair.class_original, pair.class_optimized, strict=True
        )
    ]
    return [
        beside(
            words,
            TASK,
            pair.pictures,
            (float(pair.original[at]), float(pair.optimized[at])),
            pair.draws[:, at],
            parts if words is MIOU else (),
        )
        for at, words in enumerate((MIOU, PIXELS, OBJECTS))
        if pair.original[at] == pair.original[at] and pair.optimized[at] == pair.optimized[at]
    ]


SCORE = Score("segmentation", "Segmentation", "numpy", 26, fits, measure)
