"""Mean average precision by pycocotools."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from workers.pipeline.postprocess.matching import Boxes


def coco(truths: Sequence[Boxes], found: Sequence[Boxes]) -> list[float]:
    """Return mAP and mAP at half an overlap of pictures as pycocotools summarizes them."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": at} for at in range(len(truths))], "annotations": _rows(truths), "info": {},
            "categories": [{"id": kind} for kind in sorted({row["category_id"] for row in _rows(truths)})],
        }  # fmt: skip
        truth.createIndex()
        work = COCOeval(truth, truth.loadRes([row for row in _rows(found) if row["score"] > 0]), "bbox")
        work.evaluate()
        work.accumulate()
        work.summarize()
    return [float(work.stats[0]), float(work.stats[1])]


def _rows(side: Sequence[Boxes]) -> list[dict[str, Any]]:
    flat = [
        (at, *one) for at, boxes in enumerate(side)
        for one in zip(boxes.corners.tolist(), boxes.classes.tolist(), boxes.scores.tolist(), strict=True)
    ]  # fmt: skip
    return [
        {"id": number, "image_id": at, "category_id": kind, "score": score, "iscrowd": 0,
         "bbox": [a, b, c - a, d - b], "area": (c - a) * (d - b)}
        for number, (at, (a, b, c, d), kind, score) in enumerate(flat, 1)
    ]  # fmt: skip
