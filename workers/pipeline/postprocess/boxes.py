"""Boxes out of a detector's raw outputs: forms of heads, scores, and overlapping boxes taken for one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spec import BoxesSteps
from .matching import COLUMNS, ious

LEAST_SCORE = 0.01
"""Boxes below the threshold are kept down to here: mean average precision counts them."""

MOST_CANDIDATES = 1000
"""So many of the surest boxes of a picture are compared with each other; COCO's rules count a hundred of them."""

_ORDERS = {
    "box_score_class": (slice(0, 4), 4, 5),
    "class_score_box": (slice(2, 6), 1, 0),
    "box_class_score": (slice(0, 4), 5, 4),
}


@dataclass(frozen=True)
class Heads:
    """Of n pictures: `places` (n, k, 4) as the model gives them, `scores` (n, k, classes) as shares, or of the one
    class that `labels` (n, k) names."""

    places: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None


def decode(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps, size: tuple[int, int]) -> NDArray[np.float32]:
    """(n, k, 6): left, top, right, bottom, score, class; places in pixels of the input of `size` (height, width), the
    surest first.

    Pictures with fewer boxes are filled up by rows of score 0. A picture whose outputs are no finite numbers where it
    matters gets a row of NaN. Raises KeyError where an output is missing, ValueError where it has another form.
    """
    heads = heads_of(outputs, steps)
    found = [_picture(heads, number, steps, size) for number in range(len(heads.places))]
    rows = np.zeros((len(found), max((len(one) for one in found), default=0), COLUMNS), np.float32)
    for row, one in zip(rows, found, strict=True):
        row[: len(one)] = one
    return rows


def heads_of(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps) -> Heads:
    """The outputs sorted into places and scores; raises KeyError or ValueError."""
    # a model of one picture may give no axis of pictures
    front = (None,) * (3 - np.ndim(outputs[steps.boxes]))
    whole = np.asarray(outputs[steps.boxes], np.float32)[front]
    scores, labels = (
        None if name is None else np.asarray(outputs[name], np.float32)[front] for name in (steps.scores, steps.labels)
    )
    if whole.ndim != 3:
        raise ValueError(f"the output of boxes has {whole.ndim} axes instead of 3")
    if steps.form == "yolo_v8":
        whole = whole.transpose(0, 2, 1)
        last = None if steps.classes is None else 4 + steps.classes
        return Heads(whole[..., :4], _activated(whole[..., 4:last], steps))
    if steps.form == "yolo_v5":
        last = None if steps.classes is None else 5 + steps.classes
        sure = _activated(whole[..., 4:last], steps)
        return Heads(whole[..., :4], sure[..., :1] * sure[..., 1:] if sure.shape[2] > 1 else sure)
    if steps.form == "end_to_end":
        if whole.shape[2] != COLUMNS:
            raise ValueError(f"boxes have {whole.shape[2]} numbers instead of {COLUMNS}")
        place, score, kind = _ORDERS[steps.columns]
        return Heads(whole[..., place], _activated(whole[..., score, None], steps), _numbers(whole[..., kind], steps))
    kinds = None if labels is None else _numbers(labels.reshape(whole.shape[:2]), steps)
    if steps.form == "boxes_labels":
        return Heads(whole[..., :4], _activated(whole[..., 4:5], steps), kinds)
    if scores is None:
        raise ValueError(f"the form {steps.form} needs an output of scores")
    return Heads(whole[..., :4], _of_classes(scores, whole.shape[1], steps), kinds)


def _of_classes(scores: NDArray[np.float32], count: int, steps: BoxesSteps) -> NDArray[np.float32]:
    """(n, count, classes) as shares, without the class that means nothing."""
    if scores.ndim == 2:
        scores = scores[..., None]
    if scores.shape[1] != count and scores.shape[2] == count:
        scores = scores.transpose(0, 2, 1)
    values = _activated(scores, steps)
    if values.shape[2] == 1 or steps.background == "none":
        return values
    return values[..., 1:] if steps.background == "first" else values[..., :-1]


def _numbers(labels: NDArray[np.float32], steps: BoxesSteps) -> NDArray[np.int64]:
    """Of classes, from 0."""
    first = 1 if steps.background == "first" else 0
    return np.asarray(np.nan_to_num(labels, nan=0, posinf=0, neginf=0).astype(np.int64) - first, np.int64)


def _activated(values: NDArray[np.float32], steps: BoxesSteps) -> NDArray[np.float32]:
    if steps.activation == "sigmoid":
        # the symmetric form does not overflow for large negative logits
        return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)
    if steps.activation == "softmax":
        shifted = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)
    return values


def _picture(heads: Heads, number: int, steps: BoxesSteps, size: tuple[int, int]) -> NDArray[np.float32]:
    """(k, 6) of one picture."""
    scores = heads.scores[number]
    if not scores.size:
        return np.empty((0, COLUMNS), np.float32)
    sure = scores.max(axis=1)
    if not np.isfinite(sure).all():
        return np.full((1, COLUMNS), np.nan, np.float32)
    kept = np.flatnonzero(sure >= min(LEAST_SCORE, steps.score_threshold))
    kept = kept[np.argsort(-sure[kept], kind="stable")][:MOST_CANDIDATES]
    kinds = scores[kept].argmax(axis=1) if heads.labels is None else heads.labels[number][kept]
    corners = corners_of(heads.places[number][kept], steps.corners)
    if steps.unit == "shares":
        corners = corners * np.asarray([size[1], size[0], size[1], size[0]], np.float32)
    if not np.isfinite(corners).all():
        return np.full((1, COLUMNS), np.nan, np.float32)
    chosen = np.arange(len(kept)) if steps.nms_iou is None else without_copies(corners, kinds, steps.nms_iou)
    chosen = chosen[: steps.most]
    rows = np.concatenate([corners[chosen], sure[kept][chosen, None], kinds[chosen, None]], axis=1)
    return np.asarray(rows, np.float32)


def corners_of(places: NDArray[np.float32], corners: str) -> NDArray[np.float32]:
    """Left, top, right, bottom (k, 4) of four numbers each as `corners` names them."""
    a, b, c, d = (places[:, at] for at in range(4))
    sides: tuple[NDArray[Any], ...] = (a, b, c, d)
    if corners == "cxcywh":
        sides = (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
    elif corners == "xywh":
        sides = (a, b, a + c, b + d)
    elif corners == "yxyx":
        sides = (b, a, d, c)
    return np.stack(sides, axis=1)


def without_copies(corners: NDArray[np.float32], kinds: NDArray[np.int64], most_iou: float) -> NDArray[np.int64]:
    """Which boxes stay (greedy non-maximum suppression, class by class). They come in the order of their scores."""
    alone = np.ones(len(kinds), np.bool_)
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        copies = ious(corners[at].astype(np.float64), corners[at].astype(np.float64)) > most_iou
        left = np.ones(len(at), np.bool_)
        for first in range(len(at)):
            if left[first]:
                left[first + 1 :] &= ~copies[first, first + 1 :]
        alone[at] = left
    return np.flatnonzero(alone)
