"""What models of things, masks and words answer, and how right it is, by the field's own tools: pycocotools, scikit-learn
and jiwer. No formula of Fettle's is imported here."""

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
SURE, COUNTED, MOST_IOU = 0.25, 0.01, 0.45
"""What a YOLO v8 is usually read with: people see boxes from .25 on; mAP also counts those down to .01."""


def boxes(answer: Values) -> Values:
    """(4 + classes, cells) of a YOLO v8 → rows (k, 6) of left, top, right, bottom, score, class, the surest first."""
    rows = np.asarray(answer, np.float64).T
    scores, kinds = rows[:, 4:].max(axis=1), rows[:, 4:].argmax(axis=1)
    half = rows[:, 2:4] / 2
    found = np.concatenate([rows[:, :2] - half, rows[:, :2] + half, scores[:, None], kinds[:, None]], axis=1)
    found = found[scores >= COUNTED]
    kept: list[Values] = []
    for row in found[np.argsort(-found[:, 4], kind="stable")]:
        if all(row[5] != other[5] or iou(row, other) <= MOST_IOU for other in kept):
            kept.append(row)
    return np.asarray(kept, np.float64).reshape(-1, 6)


def iou(a: Values, b: Values) -> float:
    """Of two boxes that begin with left, top, right, bottom."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


def mean_average_precision(annotations: Path, names: Sequence[str], found: Sequence[Values]) -> tuple[float, float]:
    """mAP over overlaps of .5 to .95, and at .5, of the pictures `names` by COCO's file; `found[i]` are rows (k, 6)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations))
        numbers = {image["file_name"]: image["id"] for image in truth.loadImgs(truth.getImgIds())}
        order = sorted(truth.getCatIds())
        rows = [
            {
                "image_id": numbers[name],
                "category_id": order[int(row[5])],
                "bbox": [row[0], row[1], row[2] - row[0], row[3] - row[1]],
                "score": row[4],
            }
            for name, part in zip(names, found, strict=True)
            for row in part
        ]
        work = COCOeval(truth, truth.loadRes(rows), "bbox")
        work.params.imgIds = [numbers[name] for name in names]
        work.evaluate()
        work.accumulate()
        work.summarize()
    return float(work.stats[0]), float(work.stats[1])


def overlap(truths: Sequence[Values], found: Sequence[Values]) -> tuple[float, float]:
    """The mean over classes of the overlap of all their pixels (the ground is a class like others), and the share of
    the pixels that are right."""
    from sklearn.metrics import accuracy_score, jaccard_score

    right, mine = (np.concatenate([np.asarray(one).ravel() for one in part]) for part in (truths, found))
    return float(jaccard_score(right, mine, average="macro")), float(accuracy_score(right, mine))


def spoken_text(answer: Values, letters: Sequence[str]) -> str:
    """(moments, letters) of a CTC model → a text: the best of each moment, without repetitions and blanks (letter 0)."""
    text, before = "", 0
    for best in answer.argmax(axis=1).tolist():
        if best not in (before, 0):
            text += " " if letters[best] == "|" and " " not in letters else letters[best]
        before = best
    return " ".join(text.split())


def error_rates(truths: Sequence[str], found: Sequence[str]) -> tuple[float, float]:
    """Word and character error rate."""
    import jiwer

    return float(jiwer.wer(list(truths), list(found))), float(jiwer.cer(list(truths), list(found)))


def letters_in(model: Path) -> list[str]:
    """Of a text recognizer of PaddleOCR, whose file names one a line: the blank comes first, the space last."""
    import onnx

    report = {entry.key: entry.value for entry in onnx.load(str(model)).metadata_props}
    return ["", *report["character"].split("\n"), " "]


def letters_of(model: Path) -> list[str]:
    """Return the letters of the vocabulary next to a model, by their numbers."""
    numbers = json.loads((model.parent / "vocab.json").read_text(encoding="utf-8"))
    return sorted(numbers, key=numbers.__getitem__)


def right_classes(answers: Sequence[Values], labels: Sequence[tuple[int, ...]]) -> float:
    """Accuracy, where an example may have several right classes."""
    from sklearn.metrics import accuracy_score

    named = [int(answer.argmax()) for answer in answers]
    truth = [one if one in accepted else accepted[0] for one, accepted in zip(named, labels, strict=True)]
    return float(accuracy_score(truth, named))


def area_under_curve(answers: Sequence[Values], labels: Sequence[tuple[int, ...]]) -> float:
    """Over the moments (steps, 1) of all recordings that have a label (not −1)."""
    from sklearn.metrics import roc_auc_score

    scores, truth = np.concatenate([one[:, 0] for one in answers]), np.concatenate(labels)
    return float(roc_auc_score(truth[truth >= 0] > 0, scores[truth >= 0]))


def same_neighbors(old: Sequence[Values], new: Sequence[Values], count: int = 10) -> float:
    """Of the ten nearest of each vector among all others, the share that both models find."""
    from sklearn.neighbors import NearestNeighbors

    found = [
        NearestNeighbors(n_neighbors=count, metric="cosine").fit(np.stack(part)).kneighbors(return_distance=False)
        for part in (old, new)
    ]
    return float(np.mean([len({*a} & {*b}) / count for a, b in zip(*(rows.tolist() for rows in found), strict=True)]))


def cosine(old: Sequence[Values], new: Sequence[Values]) -> float:
    """The mean over vectors."""
    from sklearn.metrics.pairwise import paired_cosine_distances

    return float(1 - paired_cosine_distances(np.stack(old), np.stack(new)).mean())
