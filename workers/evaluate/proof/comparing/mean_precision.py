"""Compute mean average precision by COCO's rules, for the whole set and for resampled ones.

pycocotools matches the boxes only once. In a resampled set each picture may count several times or not at all, which
equals a set with copies of it. The same pictures are drawn for both models (paired bootstrap over whole pictures; Efron
and Tibshirani 1993).
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.data.dataset import Item
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.by_labels import Counts, Floats, LabelledPair, ratio
from workers.evaluate.proof.stats import draw_counts
from workers.pipeline.postprocess.matching import Boxes, boxes_of

Precisions = dict[tuple[int, bytes, bytes], Floats]
"""Cache of precisions (draws,). A key holds the number of a class, the pictures of its boxes, and which of these are
right.
"""

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
WORK = 2e8
"""At most this many boxes are counted over all draws and overlaps, which takes some seconds."""

SETTLED_PX = 1.0
"""Edges of a box that differ from the original's by at most this many pixels of the model's input look the same.
Rounding boxes of 14 to 150 pixels to whole pixels costs .6 % of mAP, because of its strict overlaps.
"""

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall levels, at which precision is read."""


@dataclass(frozen=True)
class _Kind:
    """Matched boxes of one class. No box is left out, because there are no crowds and boxes of all sizes are judged.

    Attributes:
        number: Number of the class.
        score: Scores (d,) of the boxes, falling.
        picture: Picture (d,) of each box.
        hits: Whether each box is right at each overlap (overlaps, d).
        truths: Number of labelled boxes of each picture (pictures,).
    """

    number: int
    score: Floats
    picture: Counts
    hits: NDArray[np.bool_]
    truths: Floats


class Matched:
    """Boxes that one model finds in pictures, matched with the labelled boxes."""

    def __init__(self, truths: Sequence[Boxes], found: Sequence[Boxes], threshold: float = 0.5) -> None:
        """Match the boxes of `found` with those of `truths`; both have one entry for each picture.

        Args:
            truths: Labelled boxes (left, top, right, bottom in pixels).
            found: Boxes that the model finds.
            threshold: Boxes with at least this score count for F1.
        """
        self.boxes = sum(len(one.scores) for one in found)
        self._pictures = len(truths)
        self._kinds = list(_matched(truths, found))
        self._strange = _strange(truths, found, threshold)
        self.classes = np.asarray([kind.number for kind in self._kinds], np.int64)
        self.class_pictures = np.asarray([(kind.truths > 0).sum() for kind in self._kinds], np.int64)
        self._right, self._judged = np.zeros((2, len(self._kinds), self._pictures))
        for at, kind in enumerate(self._kinds):
            counts = kind.score >= threshold
            self._right[at] = np.bincount(kind.picture[counts & kind.hits[0]], minlength=self._pictures)
            self._judged[at] = np.bincount(kind.picture[counts], minlength=self._pictures) + kind.truths

    def values(self, times: Floats, seen: Precisions | None = None) -> Floats:
        """Return the mean average precision over the overlaps .5 to .95, and at .5 alone, (draws, 2).

        Args:
            times: How often each picture counts (draws, pictures), whole numbers.
            seen: Cache of computed precisions. Other models with the same truths and `times` may share it: neighboring
                overlaps and similar models often have the same boxes right.

        Returns:
            Array (draws, 2); NaN where no labelled box is left.
        """
        sums, known = np.zeros((len(times), 2)), np.zeros(len(times))
        seen = {} if seen is None else seen
        whole = times.astype(np.int64)  # Cumulative sums of integers take a fifth of the time.
        for kind in self._kinds:
            there = times @ kind.truths
            per_overlap = _per_overlap(kind, whole, there.astype(np.int64), seen)
            counts = there > 0
            sums[counts] += np.stack([per_overlap.mean(axis=0), per_overlap[0]], axis=1)[counts]
            known += counts
        return ratio(sums, known[:, None])

    def f1(self, times: Floats) -> Floats:
        """Return F1 (draws,): 2 · right ÷ (found + labelled).

        Boxes from the threshold on count. They are right if they overlap a labelled box by half.
        """
        return ratio(2 * (times @ self._right.sum(axis=0)), times @ (self._judged.sum(axis=0) + self._strange))

    def class_f1(self, times: Floats) -> Floats:
        """Return F1 of each labelled class, (draws, classes); NaN where no box of the class is left."""
        return ratio(2 * (times @ self._right.T), times @ self._judged.T)

    def figures(self, times: Floats, seen: Precisions | None = None) -> Floats:
        """Return `values` and `f1` together, (draws, 3)."""
        return np.concatenate([self.values(times, seen), self.f1(times)[:, None]], axis=1)

    def whole(self) -> Floats:
        """Return the three figures (3,) if each picture counts once."""
        return np.asarray(self.figures(np.ones((1, self._pictures)))[0], np.float64)


def _strange(truths: Sequence[Boxes], found: Sequence[Boxes], threshold: float) -> Floats:
    """Return for each picture (pictures,) how many confident boxes have a class without any label.

    They are wrong, too.
    """
    known = np.unique(np.concatenate([one.classes for one in truths]))
    strange = [(one.scores >= threshold) & ~np.isin(one.classes, known) for one in found]
    return np.asarray([one.sum() for one in strange], np.float64)


def _per_overlap(kind: _Kind, times: Counts, there: Counts, seen: Precisions) -> Floats:
    """Return the precision of one class at each overlap, (overlaps, draws).

    Boxes after the last hit change nothing and are left out of the keys of the cache.

    Args:
        kind: The class.
        times: How often each picture counts (draws, pictures).
        there: Number of labelled boxes in each draw (draws,).
        seen: Cache of computed precisions.
    """
    ends = [int(np.flatnonzero(hits).max(initial=-1)) + 1 for hits in kind.hits]
    keys = [
        (kind.number, kind.picture[:end].tobytes(), hits[:end].tobytes())
        for hits, end in zip(kind.hits, ends, strict=True)
    ]
    missing = {key: hits for key, hits in zip(keys, kind.hits, strict=True) if key not in seen}
    if missing:
        counted = times[:, kind.picture]
        everything = np.maximum(np.cumsum(counted, axis=1), 1)
        levels = _levels(there, int(counted[:, kind.hits.any(axis=0)].sum(axis=1).max()))
        seen.update({key: _precision(counted, everything, hits, levels) for key, hits in missing.items()})
    return np.stack([seen[key] for key in keys])


def _levels(there: Counts, most: int) -> Floats:
    """Return how many of COCO's levels the recall of 0, 1, … `most` right boxes reaches, (draws, most + 1).

    `there` (draws,) is the number of labelled boxes. A lookup in this table is much faster than a search for each box.
    """
    different, which = np.unique(np.maximum(there, 1), return_inverse=True)
    recall = np.arange(most + 1) / different[:, None]
    return np.asarray(np.searchsorted(RECALLS, recall, side="right").astype(np.float64)[which], np.float64)


def _precision(counted: Counts, everything: Counts, hits: NDArray[np.bool_], levels: Floats) -> Floats:
    """Return the best precision at or after each recall level, averaged, (draws,).

    Recall only grows at hits. No precision between hits is above that of the preceding hit.

    Args:
        counted: How often each box counts (draws, boxes).
        everything: Cumulative sum of `counted`, at least 1.
        hits: Which boxes are right (boxes,).
        levels: Table from `_levels`.
    """
    right = np.cumsum(counted[:, hits], axis=1)
    best = right / everything[:, hits]
    np.maximum.accumulate(best[:, ::-1], axis=1, out=best[:, ::-1])
    reached = levels.take(right + np.arange(len(levels))[:, None] * levels.shape[1])
    reached[:, 1:] -= reached[:, :-1]
    return np.asarray((best * reached).sum(axis=1) / len(RECALLS), np.float64)


def _matched(truths: Sequence[Boxes], found: Sequence[Boxes]) -> Any:
    """Yield the matched boxes of each class, over the pictures that contain it.

    COCO's own loop visits every picture for every class.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    silent = contextlib.redirect_stdout(io.StringIO())
    with silent:
        truth = COCO()
        truth.dataset = _truth(truths)
        truth.createIndex()
        rows = _rows(found)
        guesses = truth.loadRes(rows) if rows else COCO()
        work = COCOeval(truth, guesses, "bbox")
    work.params.areaRng, work.params.areaRngLbl = [[0, 1e10]], ["all"]
    for category in truth.getCatIds():
        work.params.catIds = [category]
        work.params.imgIds = sorted({picture for side in (truth, guesses) for picture in side.catToImgs[category]})
        with silent:
            work.evaluate()
        there = np.zeros(len(truths))
        scores, pictures, hits = [], [], []
        for part in filter(None, work.evalImgs):
            number = part["image_id"]
            there[number] = (np.asarray(part["gtIgnore"]) == 0).sum()
            scores.append(np.asarray(part["dtScores"], np.float64))
            pictures.append(np.full(len(scores[-1]), number))
            hits.append(np.asarray(part["dtMatches"]).reshape(len(work.params.iouThrs), -1) > 0)
        if not scores:
            continue
        order = np.argsort(-np.concatenate(scores), kind="mergesort")  # Stable sort, as COCO sorts.
        yield _Kind(
            category, np.concatenate(scores)[order], np.concatenate(pictures)[order],
            np.concatenate(hits, axis=1)[:, order], there,
        )  # fmt: skip


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
class PrecisionPair(LabelledPair):
    """Both models compared with the same labelled boxes.

    Scores are mAP, mAP at half an overlap, and F1 of confident boxes; that of a class is its F1, of boxes from the
    threshold on.

    Attributes:
        settled: mAP of the version if boxes that look the same are moved to the place of the original's.
        settled_draws: Resampled differences (k,) of `settled` to the original's mAP.
    """

    settled: float
    settled_draws: Floats


def by_labels(case: Case) -> PrecisionPair | None:
    """Compare both models with the labels, over the pictures that have them; None if there is nothing to find."""
    labelled = np.asarray([item.boxes is not None for item in case.facts], np.bool_)
    if not labelled.any():
        return None
    known = case.only(labelled)
    return _pair(known, [truth_of(item) for item in known.facts], settles=True)


def by_original(case: Case) -> PrecisionPair | None:
    """Compare both models with the confident boxes of the original, for data without labels."""
    threshold = case.old.score_threshold
    truths = [boxes_of(values).upright() for values in case.answers("old")]
    return _pair(case, [boxes.where(boxes.scores >= threshold) for boxes in truths], settles=False)


def _pair(case: Case, truths: Sequence[Boxes], *, settles: bool) -> PrecisionPair | None:
    if not any(len(boxes.scores) for boxes in truths):
        return None
    # Boxes with equal scores, which INT8 gives often, count in the order of their pictures: sorted by name, as in COCO.
    names = [item.source for item in case.facts]
    order = sorted(range(len(truths)), key=names.__getitem__)
    truths = [truths[at] for at in order]
    threshold = case.old.score_threshold
    found = [
        [boxes_of(answers[at]).upright() for at in order] for answers in (case.answers("old"), case.answers("new"))
    ]
    old, new = (Matched(truths, one, threshold) for one in found)
    settled = Matched(truths, [settle(*pair) for pair in zip(*found, strict=True)], threshold) if settles else new
    draws = int(np.clip(WORK / (10 * max(old.boxes + new.boxes, 1)), FEWEST_DRAWS, MOST_DRAWS))
    rng, whole = np.random.default_rng(case.seed), np.ones((1, len(truths)))
    differences, settled_differences, losses = [], [], []
    for start in range(0, draws, 100):
        times = draw_counts(rng, len(truths), min(100, draws - start))
        seen: Precisions = {}
        before = old.figures(times, seen)
        differences.append(new.figures(times, seen) - before)
        settled_differences.append(settled.values(times, seen)[:, 0] - before[:, 0])
        was = old.class_f1(times)
        losses.append(ratio(was - new.class_f1(times), was))
    return PrecisionPair(
        old.whole(), new.whole(), np.concatenate(differences), len(truths), old.classes, old.class_f1(whole)[0],
        new.class_f1(whole)[0], old.class_pictures, np.concatenate(losses), settled.whole()[0],
        np.concatenate(settled_differences),
    )  # fmt: skip


def settle(old: Boxes, new: Boxes) -> Boxes:
    """Return `new`, with each box within `SETTLED_PX` of an `old` box of its class moved to the place of that box."""
    if not len(old.scores) or not len(new.scores):
        return new
    off = np.abs(new.corners[:, None] - old.corners[None]).max(axis=2)
    off[new.classes[:, None] != old.classes[None]] = np.inf
    nearest, rows = off.argmin(axis=1), np.arange(len(off))
    near = off[rows, nearest] <= SETTLED_PX
    return replace(new, corners=np.where(near[:, None], old.corners[nearest], new.corners))


def truth_of(item: Item) -> Boxes:
    """Return the labelled boxes of an item in pixels of the model's input.

    The item's facts hold the place of the picture in the input.
    """
    rows = np.asarray(item.boxes or (), np.float64).reshape(-1, 5)
    left, top = (float(item.facts.get(f"input {side}", 0.0)) for side in ("left", "top"))
    width, height = (float(item.facts.get(f"input {side}", 1.0)) for side in ("width", "height"))
    corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    corners = corners * [width, height, width, height] + [left, top, left, top]
    return Boxes(corners, np.ones(len(rows)), rows[:, 4].astype(np.int64))
