"""Mean average precision by COCO's rules, for the whole set and for resampled ones: pycocotools matches boxes once.

Each picture may count several times or not at all, which equals a set with copies of it; of both models the same
pictures are drawn (paired bootstrap over whole pictures; Efron and Tibshirani 1993).
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import Item
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Values
from workers.pipeline.postprocess.matching import Boxes, boxes_of

Floats = NDArray[np.float64]

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
WORK = 2e8
"""So many boxes are counted at most over all draws and overlaps: some seconds."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall levels, at which precision is read."""


@dataclass(frozen=True)
class _Kind:
    """One class: its boxes by falling `score` (d,), the `picture` (d,) of each, whether it `hits` (overlaps, d), and
    how many truths (pictures,) there are. No box is left out: there are no crowds, and sizes are all judged."""

    score: Floats
    picture: NDArray[np.int64]
    hits: NDArray[np.bool_]
    truths: Floats


class Matched:
    """The boxes that a model finds in pictures (left, top, right, bottom in pixels) beside those that are there."""

    def __init__(self, truths: Sequence[Boxes], found: Sequence[Boxes]) -> None:
        self.boxes = sum(len(one.scores) for one in found)
        self._pictures, self._truths, self._found = len(truths), truths, found
        self._kinds = list(_matched(truths, found))

    def values(self, times: Floats) -> Floats:
        """(draws, 2): the mean over overlaps of .5 to .95, and at .5 alone, where each picture counts `times` (draws,
        pictures). NaN where no truth is left."""
        sums, known = np.zeros((len(times), 2)), np.zeros(len(times))
        for kind in self._kinds:
            there = times @ kind.truths
            counted = times[:, kind.picture]
            everything = np.cumsum(counted, axis=1)
            per_overlap = np.stack([_precision(counted, everything, hits, there) for hits in kind.hits])
            counts = there > 0
            sums[counts] += np.stack([per_overlap.mean(axis=0), per_overlap[0]], axis=1)[counts]
            known += counts
        return np.asarray(np.divide(sums, known[:, None], out=np.full_like(sums, np.nan), where=known[:, None] > 0))

    def f1(self, times: Floats, threshold: float) -> Floats:
        """(draws,): 2 · right ÷ (found + there), of boxes from the threshold on that overlap the truth by half."""
        right, found = np.zeros(self._pictures), np.zeros(self._pictures)
        for kind in self._kinds:
            counts = kind.score >= threshold
            np.add.at(right, kind.picture[counts & kind.hits[0]], 1)
            np.add.at(found, kind.picture[counts], 1)
        there = np.sum([kind.truths for kind in self._kinds], axis=0) + self._strange(threshold)
        total = times @ (found + there)
        return np.asarray(np.divide(2 * (times @ right), total, out=np.full(len(times), np.nan), where=total > 0))

    def figures(self, times: Floats, threshold: float) -> Floats:
        """(draws, 3): `values` and `f1`."""
        return np.concatenate([self.values(times), self.f1(times, threshold)[:, None]], axis=1)

    def _strange(self, threshold: float) -> Floats:
        """(pictures,): boxes from the threshold on of classes that no truth has; they are wrong, too."""
        known = {kind for one in self._truths for kind in one.classes.tolist()}
        counts = [
            sum(score >= threshold and kind not in known for score, kind in zip(one.scores, one.classes, strict=True))
            for one in self._found
        ]
        return np.asarray(counts, np.float64)

    def whole(self, threshold: float = 0.5) -> tuple[float, float, float]:
        """Each picture once."""
        every = self.figures(np.ones((1, self._pictures)), threshold)[0]
        return float(every[0]), float(every[1]), float(every[2])


def _precision(counted: Floats, everything: Floats, hits: NDArray[np.bool_], there: Floats) -> Floats:
    """(draws,): the best precision at each recall level or behind it, averaged; `counted` (draws, boxes) is how often
    each box counts, `everything` its running sum. Recall only grows at hits, and no precision between them is above
    that of the hit before."""
    if not hits.any():
        return np.zeros(len(counted))
    right = np.cumsum(counted[:, hits], axis=1)
    below = everything[:, hits]
    precision = np.divide(right, below, out=np.zeros_like(right), where=below > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = np.divide(right, there[:, None], out=np.zeros_like(right), where=there[:, None] > 0)
    levels = np.diff(np.searchsorted(RECALLS, recall, side="right"), axis=1, prepend=0)
    return np.asarray((best * levels).sum(axis=1) / len(RECALLS), np.float64)


def _matched(truths: Sequence[Boxes], found: Sequence[Boxes]) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = _truth(truths)
        truth.createIndex()
        rows = _rows(found)
        guesses = truth.loadRes(rows) if rows else COCO()
        work = COCOeval(truth, guesses, "bbox")
        work.params.areaRng, work.params.areaRngLbl = [[0, 1e10]], ["all"]
        work.evaluate()
    count = len(truths)
    for kind in range(len(work.params.catIds)):
        parts = work.evalImgs[kind * count : (kind + 1) * count]
        there = np.zeros(count)
        scores, pictures, hits = [], [], []
        for number, part in enumerate(parts):
            if part is None:
                continue
            there[number] = (np.asarray(part["gtIgnore"]) == 0).sum()
            scores.append(np.asarray(part["dtScores"], np.float64))
            pictures.append(np.full(len(scores[-1]), number))
            hits.append(np.asarray(part["dtMatches"]).reshape(len(work.params.iouThrs), -1) > 0)
        if not scores:
            continue
        order = np.argsort(-np.concatenate(scores), kind="mergesort")  # as COCO sorts
        yield _Kind(
            np.concatenate(scores)[order],
            np.concatenate(pictures)[order],
            np.concatenate(hits, axis=1)[:, order],
            there,
        )


def _truth(truths: Sequence[Boxes]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for picture, boxes in enumerate(truths):
        for corners, kind in zip(boxes.corners.tolist(), boxes.classes.tolist(), strict=True):
            box = _sides(corners)
            row = {"id": len(rows) + 1, "image_id": picture, "category_id": kind, "bbox": box, "iscrowd": 0}
            rows.append({**row, "area": box[2] * box[3]})
    kinds = sorted({row["category_id"] for row in rows})
    return {
        "images": [{"id": number} for number in range(len(truths))],
        "annotations": rows,
        "categories": [{"id": kind, "name": str(kind)} for kind in kinds],
        "info": {},
    }


def _rows(found: Sequence[Boxes]) -> list[dict[str, Any]]:
    return [
        {"image_id": picture, "category_id": kind, "bbox": _sides(corners), "score": score}
        for picture, boxes in enumerate(found)
        for corners, score, kind in zip(
            boxes.corners.tolist(), boxes.scores.tolist(), boxes.classes.tolist(), strict=True
        )
        if score > 0
    ]


def _sides(corners: Sequence[float]) -> list[float]:
    left, top, right, bottom = corners
    return [left, top, right - left, bottom - top]


@dataclass(frozen=True)
class Pair:
    """Both models by the same truth. `original` and `optimized` are mAP, mAP at half an overlap, and F1 of the boxes
    from the threshold on; `draws` (k, 3) are resampled optimized − original; `pictures` have labels, with `things` in
    them."""

    original: tuple[float, float, float]
    optimized: tuple[float, float, float]
    draws: Floats
    pictures: int
    things: int


def by_labels(case: Case) -> Pair | None:
    """By the boxes that are right, over the pictures that have a list of them; None where there is nothing to find."""
    labelled = np.asarray([item.boxes is not None for item in case.facts], np.bool_)
    if not labelled.any():
        return None
    known = case.only(labelled)
    return _pair(known, [truth_of(item) for item in known.facts])


def by_original(case: Case) -> Pair | None:
    """By what the original finds, where there are no labels."""
    threshold = case.old.score_threshold
    truths = [boxes_of(values) for values in case.answers("old")]
    return _pair(case, [boxes.where(boxes.scores >= threshold) for boxes in truths])


def _pair(case: Case, truths: Sequence[Boxes]) -> Pair | None:
    things = sum(len(boxes.scores) for boxes in truths)
    if not things:
        return None
    # boxes of equal scores, of which INT8 gives many, count in the order of their pictures: that of names, as in COCO
    order = sorted(range(len(truths)), key=lambda at: case.facts[at].source)
    truths = [truths[at] for at in order]
    old, new = (Matched(truths, _found([case.answers(which)[at] for at in order])) for which in ("old", "new"))
    draws = int(np.clip(WORK / (10 * max(old.boxes + new.boxes, 1)), FEWEST_DRAWS, MOST_DRAWS))
    threshold = case.old.score_threshold
    rng, parts = np.random.default_rng(case.seed), []
    for start in range(0, draws, 100):
        count = min(100, draws - start)
        n = len(truths)
        times = np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(count)]).astype(np.float64)
        parts.append(new.figures(times, threshold) - old.figures(times, threshold))
    return Pair(old.whole(threshold), new.whole(threshold), np.concatenate(parts), len(truths), things)


def _found(answers: Sequence[Values]) -> list[Boxes]:
    return [boxes_of(values) for values in answers]


def truth_of(item: Item) -> Boxes:
    """The boxes of an item in pixels of the model's input, where its facts say how the picture lies in that."""
    rows = np.asarray(item.boxes or (), np.float64).reshape(-1, 5)
    left, top = (float(item.facts.get(f"input {side}", 0.0)) for side in ("left", "top"))
    width, height = (float(item.facts.get(f"input {side}", 1.0)) for side in ("width", "height"))
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    corners = corners * [width, height, width, height] + [left, top, left, top]
    return Boxes(corners, np.ones(len(rows)), rows[:, 4].astype(np.int64))
