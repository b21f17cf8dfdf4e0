"""Finding things in pictures: mean average precision by COCO's rules. pycocotools works the values out.

Fits answers (boxes, 6) of left, top, right, bottom, score, class, or outputs whose names say boxes, scores and classes.
"""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TaskScore
from workers.evaluate.data.dataset import Box
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Answers
from workers.evaluate.scores.base import Floats, Score, Words, alone, beside, weights

DRAWS = 100
"""Each draw is a whole evaluation of what was matched before."""

SURE = 0.5
"""Boxes of the original from this score on are taken for the truth where there are no labels."""

SIDE = 1000.0
COLUMNS = 6
NAMES = {"boxes": ("box", "bbox"), "scores": ("score", "conf", "prob"), "classes": ("label", "class")}

MAP = Words("map", "Finds things (mAP)", "mean average precision by COCO’s rules, over overlaps of 50 % to 95 %")
MAP50 = Words("map50", "Finds things, roughly (mAP 50)", "the same where half an overlap is enough")

Found = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def fits(case: Case) -> bool:
    if case.old.predicted is not None or not len(case.items):
        return False
    return found_in(case.old, int(case.items[0])) is not None


def found_in(answers: Answers, item: int) -> Found | None:
    """(k, 4) left, top, right, bottom; (k,) scores; (k,) classes. None where the outputs hold no boxes."""
    answer = answers.answer[item]
    if answer.ndim == 2 and answer.shape[1] == COLUMNS and not answers.others:
        values = answer.astype(np.float64)
        return values[:, :4], values[:, 4], values[:, 5].astype(np.int64)
    rows = {name: values[item] for name, values in answers.others.items() if len(values) > item}
    rows[""] = answer
    boxes = _named(rows, "boxes") if len(rows) > 1 else None
    if boxes is None and answer.ndim == 2 and answer.shape[1] == 4:
        boxes = answer
    scores, classes = _named(rows, "scores"), _named(rows, "classes")
    if boxes is None or scores is None or boxes.ndim != 2 or boxes.shape[1] != 4 or scores.size != len(boxes):
        return None
    kinds = np.zeros(len(boxes), np.int64) if classes is None or classes.size != len(boxes) else classes
    return boxes.astype(np.float64), scores.reshape(-1).astype(np.float64), kinds.reshape(-1).astype(np.int64)


def _named(rows: Mapping[str, NDArray[Any]], what: str) -> NDArray[Any] | None:
    return next((values for name, values in rows.items() if any(word in name.lower() for word in NAMES[what])), None)


def measure(case: Case) -> list[TaskScore]:
    """By the boxes that are right where pictures have them, else by the original's sure ones."""
    labelled = np.asarray([item.boxes is not None for item in case.facts])
    truths: list[Sequence[Box]]
    if labelled.any():
        case = case.only(labelled)
        truths = [item.boxes or () for item in case.facts]
        sizes = [_input_size(item.facts) for item in case.facts]
        old, new = (_shares(answers, case.items, sizes) for answers in (case.old, case.new))
        before, after = Evaluation(truths, old), Evaluation(truths, new)
        times = weights(len(truths), case.seed, DRAWS)
        rows = []
        for words, low in ((MAP, False), (MAP50, True)):
            draws = np.asarray([after.value(low, t) - before.value(low, t) for t in times])
            rows.append(beside(words, "detection", len(truths), (before.value(low), after.value(low)), draws))
        return rows
    old, new = (_shares(answers, case.items, [None] * len(case.items)) for answers in (case.old, case.new))
    truths = [_sure(found) for found in old]
    if not any(truths):
        return []
    alike = Evaluation(truths, new)
    times = weights(len(truths), case.seed, DRAWS)
    return [
        alone(words, "detection", len(truths), alike.value(low), np.asarray([alike.value(low, t) for t in times]))
        for words, low in ((MAP, False), (MAP50, True))
    ]


def _input_size(facts: Mapping[str, float | str]) -> tuple[float, float] | None:
    width, height = facts.get("input width"), facts.get("input height")
    return (float(width), float(height)) if width is not None and height is not None else None


def _shares(answers: Answers, items: NDArray[np.int64], sizes: Sequence[tuple[float, float] | None]) -> list[Found]:
    """Boxes in shares of the picture: those beyond 2 are pixels of the model's input."""
    found = []
    for item, size in zip(items.tolist(), sizes, strict=True):
        boxes, scores, kinds = found_in(answers, item) or (np.empty((0, 4)), np.empty(0), np.empty(0, np.int64))
        if size is not None and boxes.size and boxes.max() > 2:
            boxes = boxes / np.asarray([size[0], size[1], size[0], size[1]])
        found.append((boxes, scores, kinds))
    return found


def _sure(found: Found) -> list[Box]:
    boxes, scores, kinds = found
    return [
        (float(a), float(b), float(c - a), float(d - b), int(kind))
        for (a, b, c, d), score, kind in zip(boxes.tolist(), scores.tolist(), kinds.tolist(), strict=True)
        if score >= SURE
    ]


class Evaluation:
    """Matches once, then gives the average over any choice of the pictures."""

    def __init__(self, truths: Sequence[Sequence[Box]], found: Sequence[Found]) -> None:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = _truth(truths)
            truth.createIndex()
            rows = _rows(found)
            guesses = truth.loadRes(rows) if rows else COCO()
            self._work = COCOeval(truth, guesses, "bbox")
            self._work.params.areaRng = [[0, 1e10]]
            self._work.params.areaRngLbl = ["all"]
            self._work.evaluate()
        self._matches = self._work.evalImgs
        self._pictures = len(truths)

    def value(self, roughly: bool, times: Floats | None = None) -> float:
        """mAP (or at half an overlap), where each picture counts `times`; NaN where no truth is left."""
        work, n = self._work, self._pictures
        kinds = max(1, len(work.params.catIds))
        counts = np.ones(n, int) if times is None else times.astype(int)
        chosen = np.repeat(np.arange(n), counts)
        # matches lie by class, then picture; `accumulate` looks pictures up by their numbers, which are given anew
        work.evalImgs = [self._matches[kind * n + int(i)] for kind in range(kinds) for i in chosen]
        work._paramsEval.imgIds = list(range(len(chosen)))
        work.params.imgIds = work._paramsEval.imgIds
        with contextlib.redirect_stdout(io.StringIO()):
            work.accumulate()
        precision = work.eval["precision"][:1] if roughly else work.eval["precision"]
        known = precision[..., -1][precision[..., -1] > -1]
        return float(known.mean()) if known.size else float("nan")


def _truth(truths: Sequence[Sequence[Box]]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for picture, boxes in enumerate(truths):
        for x, y, w, h, kind in boxes:
            box = [x * SIDE, y * SIDE, w * SIDE, h * SIDE]
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": picture,
                    "category_id": kind,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                }
            )
    kinds = sorted({row["category_id"] for row in rows})
    pictures = [{"id": i, "width": SIDE, "height": SIDE} for i in range(len(truths))]
    return {
        "images": pictures,
        "annotations": rows,
        "categories": [{"id": k, "name": str(k)} for k in kinds],
        "info": {},
    }


def _rows(found: Sequence[Found]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": i,
            "category_id": kind,
            "bbox": [a * SIDE, b * SIDE, (c - a) * SIDE, (d - b) * SIDE],
            "score": score,
        }
        for i, (boxes, scores, kinds) in enumerate(found)
        for (a, b, c, d), score, kind in zip(boxes.tolist(), scores.tolist(), kinds.tolist(), strict=True)
    ]


SCORE = Score("detection", "Detection", "pycocotools", 25, fits, measure, gate=True)
