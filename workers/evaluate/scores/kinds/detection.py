"""Score object detection: mean average precision by COCO's rules, for predictions that are decoded into boxes."""

from collections.abc import Sequence

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.mean_precision import by_labels, by_original
from workers.evaluate.scores.base import Score, alone, beside, metric

MAP = metric("map", "Finds things (mAP)", "mean average precision by COCO’s rules, over overlaps of 50 % to 95 %")
MAP50 = metric("map50", "Finds things, roughly (mAP 50)", "the same where half an overlap is enough")
F1 = metric(
    "f1", "Right from the threshold on (F1)", "of the boxes that people see, and of what is there, how much is right"
)
WORDS = (MAP, MAP50, F1)
TASK = "detection"


def fits(case: Case) -> bool:
    """Return whether both models predict decoded boxes."""
    return case.old.answer_kind == "detection" and case.old.decoded and case.new.decoded and bool(len(case.items))


def measure(case: Case) -> Sequence[TaskScore]:
    """Return mAP, mAP at half an overlap, and F1.

    Labelled boxes are the reference where pictures have them, otherwise the confident boxes of the original.
    """
    pair = case.once(by_labels)
    if pair is not None:
        return [
            beside(words, TASK, pair.pictures, (pair.original[at], pair.optimized[at]), pair.draws[:, at])
            for at, words in enumerate(WORDS)
        ]
    pair = by_original(case)
    if pair is None:
        return []
    return [
        # By this reference the original's own score is 1 in every draw.
        alone(words, TASK, pair.pictures, pair.optimized[at], pair.original[at] + pair.draws[:, at])
        for at, words in enumerate(WORDS)
    ]


SCORE = Score("detection", "Detection", "pycocotools", 25, fits, measure)
