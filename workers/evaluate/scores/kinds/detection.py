"""Score object detection: mean average precision by COCO's rules, for predictions that are decoded into boxes."""

from collections.abc import Sequence

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_precision import by_labels, by_original
from workers.evaluate.proof.tasks.detection import fits
from workers.evaluate.scores.base import Score, metric, score_by_labels, score_by_original

MAP = metric("map", "Finds things (mAP)", "mean average precision by COCO’s rules, over overlaps of 50 % to 95 %")
MAP50 = metric("map50", "Finds things, roughly (mAP 50)", "the same where half an overlap is enough")
F1 = metric(
    "f1", "Right from the threshold on (F1)", "of the boxes that people see, and of what is there, how much is right"
)
METRICS = (MAP, MAP50, F1)
TASK = "detection"


def measure(case: Case) -> Sequence[TaskScore]:
    """Return mAP, mAP at half an overlap, and F1.

    Labelled boxes are the reference where pictures have them, otherwise the confident boxes of the original.
    """
    pair = case.once(by_labels)
    if pair is not None:
        return [
            score_by_labels(kind, TASK, pair.pictures, (float(was), float(now)), draws)
            for kind, was, now, draws in zip(METRICS, pair.original, pair.optimized, pair.draws.T, strict=True)
        ]
    pair = by_original(case)
    if pair is None:
        return []
    return [
        # By this reference the original's own score is 1 in every draw.
        score_by_original(kind, TASK, pair.pictures, float(now), was + draws)
        for kind, was, now, draws in zip(METRICS, pair.original, pair.optimized, pair.draws.T, strict=True)
    ]


SCORE = Score("detection", 25, fits, measure)
