"""Decode boxes from a detector's raw outputs: forms of heads, scores, and merging of overlapping boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..answers import sigmoid, softmax
from ..spec import BoxesSteps
from .instances import MASK_SIDE, packed_masks
from .matching import COLUMNS, ious
from .turned import likely_ious

LEAST_SCORE = 0.01
"""Minimum score of boxes below the threshold that are kept, because mean average precision counts them."""

MOST_CANDIDATES = 1000
"""Maximum number of the best boxes of a picture that are compared; COCO's rules count a hundred of them."""

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
"""Widths in pixels of the cells of YOLO's grids."""

_ORDERS = {
    "box_score_class": (slice(0, 4), 4, 5),
    "class_score_box": (slice(2, 6), 1, 0),
    "box_class_score": (slice(0, 4), 5, 4),
}


@dataclass(frozen=True)
class Heads:
    """Decoded outputs of n pictures.

    Attributes:
        places: (n, k, 4) box coordinates as the model gives them.
        scores: (n, k, classes) shares, or (n, k, 1) of the one class in `labels`.
        labels: (n, k) class numbers.
        behind: (n, k, more) further columns: an angle, key points, or coefficients of `prototypes`.
        prototypes: (n, more, height, width) mask prototypes.
    """

    places: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    behind: NDArray[np.float32] | None = None
    prototypes: NDArray[np.float32] | None = None


def decode(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return (n, k, 6 and more) float32: left, top, right, bottom, score, class, further columns; best first.

    Coordinates are pixels of the input of `size` (height, width). Pictures with fewer boxes are padded with rows of
    score 0. A picture whose relevant outputs are not finite gets a row of NaN.

    Raises:
        KeyError: An output is missing.
        ValueError: An output has another form.
    """
    heads = heads_of(outputs, steps)
    if steps.masks is not None:
        heads = replace(heads, prototypes=_prototypes(outputs, steps, heads))
    if steps.form == "yolox":
        heads = replace(heads, places=_from_cells(heads.places, size))
    found = [_picture(heads, number, steps, size) for number in range(len(heads.places))]
    width = COLUMNS + _width_behind(heads)
    rows = np.zeros((len(found), max((len(one) for one in found), default=0), width), np.float32)
    for row, one in zip(rows, found, strict=True):
        row[: len(one)] = one
    return rows


def heads_of(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps) -> Heads:
    """Return the outputs as boxes and scores; raise KeyError or ValueError."""
    # a model for one picture may give no batch axis
    front = (None,) * (3 - np.ndim(outputs[steps.boxes]))
    whole = np.asarray(outputs[steps.boxes], np.float32)[front]
    scores, labels = (
        None if name is None else np.asarray(outputs[name], np.float32)[front] for name in (steps.scores, steps.labels)
    )
    if whole.ndim != 3:
        raise ValueError(f"the output of boxes has {whole.ndim} axes instead of 3")
    if steps.form == "yolo_v8":
        whole = whole.transpose(0, 2, 1) if steps.channels == "first" else whole
        last = whole.shape[2] if steps.classes is None else 4 + steps.classes
        return Heads(whole[..., :4], _activated(whole[..., 4:last], steps), behind=_behind(whole, last, steps))
    if steps.form in ("yolo_v5", "yolox"):
        last = whole.shape[2] if steps.classes is None else 5 + steps.classes
        sure = _activated(whole[..., 4:last], steps)
        sure = sure[..., :1] * sure[..., 1:] if sure.shape[2] > 1 else sure
        return Heads(whole[..., :4], sure, behind=_behind(whole, last, steps))
    if steps.form == "end_to_end":
        if whole.shape[2] != COLUMNS and (whole.shape[2] < COLUMNS or steps.columns != "box_score_class"):
            raise ValueError(f"boxes have {whole.shape[2]} numbers instead of {COLUMNS}")
        place, score, kind = _ORDERS[steps.columns]
        sure = _activated(whole[..., score, None], steps)
        return Heads(whole[..., place], sure, _numbers(whole[..., kind], steps), _behind(whole, COLUMNS, steps))
    kinds = None if labels is None else _numbers(labels.reshape(whole.shape[:2]), steps)
    if steps.form == "boxes_labels":
        return Heads(whole[..., :4], _activated(whole[..., 4:5], steps), kinds)
    if scores is None:
        raise ValueError(f"the form {steps.form} needs an output of scores")
    sure = _of_classes(scores, whole.shape[1], steps)
    if steps.counts is not None:  # rows after the last valid one may hold any values
        counts = np.asarray(outputs[steps.counts], np.float64).reshape(-1, 1)
        sure = np.where((np.arange(sure.shape[1]) < counts)[..., None], sure, np.float32(0))
    return Heads(whole[..., :4], sure, kinds)


def _prototypes(outputs: Mapping[str, NDArray[Any]], steps: BoxesSteps, heads: Heads) -> NDArray[np.float32]:
    values = np.asarray(outputs[str(steps.masks)], np.float32)
    values = values[None] if values.ndim == 3 else values
    needed = 0 if heads.behind is None else heads.behind.shape[2]
    if values.ndim != 4 or values.shape[1] != needed:
        raise ValueError(f"the output of masks is {values.shape}, but {needed} numbers stand behind each box")
    return values


def _width_behind(heads: Heads) -> int:
    if heads.prototypes is not None:
        return MASK_SIDE
    return 0 if heads.behind is None else heads.behind.shape[2]


def _behind(whole: NDArray[np.float32], last: int, steps: BoxesSteps) -> NDArray[np.float32] | None:
    return None if steps.behind == "nothing" else whole[..., last:]


def grid_of(size: tuple[int, int], count: int) -> NDArray[np.float64] | None:
    """Return (count, 3): column, row and width in pixels of each cell of YOLO's grids, the finest first.

    The grids cover an input of `size` (height, width). None means that `count` boxes are not one per cell.
    """
    for strides in STRIDES:
        cells = [
            np.stack(
                [
                    *np.meshgrid(np.arange(size[1] // s), np.arange(size[0] // s)),
                    np.full((size[0] // s, size[1] // s), s),
                ]
            )
            for s in strides
        ]
        grid = np.concatenate([part.reshape(3, -1).T for part in cells]).astype(np.float64)
        if len(grid) == count:
            return grid
    return None


def _from_cells(places: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Convert coordinates in cells to centers and sides in pixels (YOLOX, arXiv 2107.08430).

    center = (output + cell) · width, side = e^output · width.

    Raises:
        ValueError: There is not one box per cell.
    """
    grid = grid_of(size, places.shape[1])
    if grid is None:
        raise ValueError(f"{places.shape[1]} boxes are not one for each cell")
    middle = (places[..., :2] + grid[:, :2]) * grid[:, 2:]
    sides = np.exp(np.minimum(places[..., 2:], 20)) * grid[:, 2:]
    return np.concatenate([middle, sides], axis=-1).astype(np.float32)


def _of_classes(scores: NDArray[np.float32], count: int, steps: BoxesSteps) -> NDArray[np.float32]:
    """Return scores as shares (n, count, classes), without the background class."""
    if scores.ndim == 2:
        scores = scores[..., None]
    if scores.shape[1] != count and scores.shape[2] == count:
        scores = scores.transpose(0, 2, 1)
    values = _activated(scores, steps)
    if values.shape[2] == 1 or steps.background == "none":
        return values
    return values[..., 1:] if steps.background == "first" else values[..., :-1]


def _numbers(labels: NDArray[np.float32], steps: BoxesSteps) -> NDArray[np.int64]:
    """Return class numbers from 0; floating-point labels may be slightly off: 10.999999 is class 11."""
    first = 1 if steps.background == "first" else 0
    return np.asarray(np.rint(np.nan_to_num(labels, nan=0, posinf=0, neginf=0)).astype(np.int64) - first, np.int64)


def _activated(values: NDArray[np.float32], steps: BoxesSteps) -> NDArray[np.float32]:
    if steps.activation == "sigmoid":
        return sigmoid(values)
    return softmax(values) if steps.activation == "softmax" else values


def _picture(heads: Heads, number: int, steps: BoxesSteps, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the boxes (k, 6 and more) of one picture."""
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
    behind = np.empty((len(kept), 0), np.float32) if heads.behind is None else heads.behind[number][kept]
    if not np.isfinite(behind).all():
        return np.full((1, COLUMNS + _width_behind(heads)), np.nan, np.float32)
    angles = behind[:, -1] if steps.behind == "angle" else None
    chosen = np.arange(len(kept)) if steps.nms_iou is None else without_copies(corners, kinds, steps.nms_iou, angles)
    chosen = chosen[: steps.most]
    behind = behind[chosen]
    if heads.prototypes is not None:
        prototypes = heads.prototypes[number]
        if not np.isfinite(prototypes).all():
            return np.full((1, COLUMNS + MASK_SIDE), np.nan, np.float32)
        behind = packed_masks(behind, prototypes, corners[chosen], size)
    rows = np.concatenate([corners[chosen], sure[kept][chosen, None], kinds[chosen, None], behind], axis=1)
    return np.asarray(rows, np.float32)


def corners_of(places: NDArray[np.float32], corners: str) -> NDArray[np.float32]:
    """Convert boxes (k, 4) with the meaning `corners` to left, top, right, bottom."""
    a, b, c, d = (places[:, at] for at in range(4))
    sides: tuple[NDArray[Any], ...] = (a, b, c, d)
    if corners == "cxcywh":
        sides = (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
    elif corners == "xywh":
        sides = (a, b, a + c, b + d)
    elif corners == "yxyx":
        sides = (b, a, d, c)
    return np.stack(sides, axis=1)


def without_copies(
    corners: NDArray[np.float32], kinds: NDArray[np.int64], most_iou: float, angles: NDArray[np.float32] | None = None
) -> NDArray[np.int64]:
    """Return the indices of boxes that remain after greedy non-maximum suppression, class by class.

    The boxes are sorted by score and may be rotated by `angles`.
    """
    alone = np.ones(len(kinds), np.bool_)
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        if len(at) == 1:
            continue
        own = corners[at].astype(np.float64)
        turned = None if angles is None else angles[at].astype(np.float64)
        copies = (ious(own, own) if turned is None else likely_ious(own, turned, own, turned)) > most_iou
        left = np.ones(len(at), np.bool_)
        for first in range(len(at)):
            if left[first]:
                left[first + 1 :] &= ~copies[first, first + 1 :]
        alone[at] = left
    return np.flatnonzero(alone)
