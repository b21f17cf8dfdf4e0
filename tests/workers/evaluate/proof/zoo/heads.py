"""The forms in which detectors tell their boxes: rows of six written as the outputs of each, and read as bundles do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from zoo import Array

from workers.pipeline.postprocess.boxes import decode
from workers.pipeline.spec import BoxesSteps

SIDE = 640
KINDS = 12

Raw = dict[str, Array]
"""A model's outputs by name, of all pictures."""


@dataclass(frozen=True)
class Form:
    """`write` puts rows (n, k, 6), filled up by score 0, into outputs as a model of this form gives them."""

    write: Callable[[Array], Raw]
    steps: Mapping[str, Any] = field(default_factory=dict)


def read(form: Form, raw: Raw) -> list[Array]:
    """(k, 6) each, as a bundle reads them."""
    steps = BoxesSteps(**form.steps)
    rows = decode(raw, steps, (SIDE, SIDE))
    return [part[~(part[:, 4] <= 0)] for part in rows]


def filled(parts: Sequence[Array]) -> Array:
    rows = np.zeros((len(parts), max(1, *map(len, parts)), 6), np.float32)
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
    return rows


def centers(rows: Array) -> Array:
    low, high = rows[..., :2], rows[..., 2:4]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def by_class(rows: Array) -> Array:
    """(n, k, classes) of scores."""
    scores = np.full((*rows.shape[:2], KINDS), 1e-4, np.float32)
    np.put_along_axis(scores, np.nan_to_num(rows[..., 5:]).astype(int), rows[..., 4:5], axis=2)
    return scores


def logit(shares: Array) -> Array:
    inside = np.clip(shares, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside)).astype(np.float32)


def doubled(rows: Array) -> Array:
    """Raw heads see each thing by two cells."""
    other = rows.copy()
    other[..., :4] += 2
    other[..., 4] *= 0.9
    return np.concatenate([rows, other], axis=1)


def v8(rows: Array) -> Raw:
    rows = doubled(rows)
    return {"out": np.concatenate([centers(rows), by_class(rows)], axis=2).transpose(0, 2, 1)}


def v5(rows: Array) -> Raw:
    rows = doubled(rows)
    sure = np.sqrt(rows[..., 4:5])
    inside = by_class(rows) / np.maximum(sure, 1e-3)
    return {"out": np.concatenate([centers(rows), sure, inside], axis=2)}


def ssd(rows: Array) -> Raw:
    rows = doubled(rows)
    scores = by_class(rows)
    nothing = 1 - scores.sum(axis=2, keepdims=True)
    return {"boxes": rows[..., :4] / SIDE, "scores": np.concatenate([nothing, scores], axis=2)}


def tensorflow(rows: Array) -> Raw:
    return {"boxes": rows[..., [1, 0, 3, 2]] / SIDE, "scores": rows[..., 4], "labels": rows[..., 5] + 1}


def detr(rows: Array) -> Raw:
    return {"boxes": centers(rows) / SIDE, "scores": logit(by_class(rows))}


FORMS: dict[str, Form] = {
    "YOLO v8": Form(v8, {"form": "yolo_v8", "boxes": "out", "corners": "cxcywh"}),
    "YOLO v5": Form(v5, {"form": "yolo_v5", "boxes": "out", "corners": "cxcywh"}),
    "end to end": Form(lambda rows: {"out": rows}, {"form": "end_to_end", "boxes": "out", "nms_iou": None}),
    "Paddle": Form(
        lambda rows: {"out": rows[..., [5, 4, 0, 1, 2, 3]]},
        {"form": "end_to_end", "boxes": "out", "columns": "class_score_box", "nms_iou": None},
    ),
    "SSD": Form(
        ssd,
        {
            "form": "boxes_scores",
            "boxes": "boxes",
            "scores": "scores",
            "unit": "shares",
            "background": "first",
            "nms_iou": 0.5,
        },
    ),
    "TensorFlow": Form(
        tensorflow,
        {
            "form": "boxes_scores",
            "boxes": "boxes",
            "scores": "scores",
            "labels": "labels",
            "unit": "shares",
            "corners": "yxyx",
            "background": "first",
            "nms_iou": None,
        },
    ),
    "DETR": Form(
        detr,
        {
            "form": "detr",
            "boxes": "boxes",
            "scores": "scores",
            "corners": "cxcywh",
            "unit": "shares",
            "activation": "sigmoid",
            "nms_iou": None,
        },
    ),
    "mmdet": Form(
        lambda rows: {"boxes": rows[..., :5], "labels": rows[..., 5]},
        {"form": "boxes_labels", "boxes": "boxes", "labels": "labels", "nms_iou": None},
    ),
}
